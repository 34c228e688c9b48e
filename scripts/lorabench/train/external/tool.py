"""A program of others that trains: what it is called, and how it is found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lorabench.errors import UserError
from lorabench.settings.models import KohyaSettings, MusubiSettings

Settings = KohyaSettings | MusubiSettings
Container = tuple[tuple[str, ...], dict[Path, str]]
"""The command prefix that starts a program in a container, and the paths there."""


@dataclass(frozen=True)
class Tool:
    """A set of programs that train; its settings are a section of their own."""

    name: str
    trainer: str
    """The value of the setting `trainer`, and the section."""
    folder: str
    """The setting of its folder."""
    variable: str
    """What in the environment goes over that setting."""
    marker: str
    """A program that lies in its folder."""
    in_container: str
    """Its folder behind a launcher."""
    programs: str
    """What comes before a program's name, within its folder."""
    missing: str
    """The message where nothing says where it is."""
    start: Callable[[Iterable[Path]], Container] | None = None
    """Start it by Docker for a training with these files and folders, where that is possible."""

    def says(self, text: str) -> str:
        """Return a message of this program, in which `%(name)s` and the like stand."""
        words = {"name": self.name, "section": self.trainer, "folder": self.folder}
        return text % {**words, "variable": self.variable, "marker": self.marker}

    def nowhere(self) -> UserError:
        """Return the message for a machine where nothing says where it is."""
        return UserError(self.missing)
