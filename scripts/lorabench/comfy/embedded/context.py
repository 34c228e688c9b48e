"""What the nodes of one prompt share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lorabench.comfy.embedded import memory
from lorabench.comfy.embedded.engine import Engine
from lorabench.comfy.embedded.library import Library
from lorabench.errors import UserError


@dataclass(frozen=True)
class Context:
    """Shared by the nodes of one prompt.

    `pnginfo` is the text chunks of saved pictures; `on_step(done, total)` reports progress and
    raises when the prompt was interrupted.
    """

    engine: Engine
    library: Library
    pnginfo: dict[str, str]
    on_step: Callable[[int, int], None]

    def file(self, folder: str, name: str) -> Path:
        """Return the file of a model or picture, which was there when the prompt was checked."""
        if not (path := self.library.path(folder, name)):
            raise FileNotFoundError(f"{name} is no longer among the {folder}")
        return path

    def check_size(self, count: int, width: int, height: int) -> None:
        """Raise `UserError` if pictures of a size do not fit in the memory."""
        if width * height * count > memory.most_pixels(self.engine.device):
            raise UserError(  # it was accepted before the device was chosen, or is scaled
                f"{count} pictures of {width} × {height} do not fit in the memory of this machine;"
                " take a smaller picture or batch_size"
            )
