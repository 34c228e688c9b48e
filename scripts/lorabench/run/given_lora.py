"""A LoRA that the user names by its file, from wherever it is: its name here, and what calls it."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from lorabench.base import file_kinds, header
from lorabench.digests import Digests, digest
from lorabench.errors import UserError
from lorabench.lora import modules, pair, trained_on
from lorabench.settings.types import as_name

_DIGITS = 8
_SHOWN = 3
_READ = 30
"""Headers that a message is worth."""
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class GivenLora:
    """A LoRA file from elsewhere, which its run gets a copy of; of a pair, that for high noise."""

    source: Path
    name: str
    """Its stem, as far as files can be called so."""
    sha256: str
    """Of the file, as hex: model sites show it, too."""
    trigger: str
    """The words that call it, by its metadata; empty if they name none."""
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    low: "GivenLora | None" = None
    """The file for low noise, where the workflow has two models."""

    @property
    def files(self) -> tuple["GivenLora", ...]:
        """It, and that for low noise."""
        return (self, *([self.low] if self.low else []))

    @property
    def title(self) -> str:
        """Its name; that of a pair says of no model."""
        return as_name(pair.title(self.source.stem)) if self.low else self.name

    @property
    def content(self) -> str:
        """The first digits of its digest, or of those of both files."""
        whole = digest([one.sha256 for one in self.files]) if self.low else self.sha256
        return whole[:_DIGITS]

    @property
    def key(self) -> str:
        """The name of its run, and its own among others: another content has another."""
        return f"{self.title}-{self.content}"

    @property
    def copies(self) -> tuple[str, ...]:
        """The names of the copies of its files, where it is one of several."""
        return tuple(f"{one.name}-{self.content}" for one in self.files)


def read(path: Path, digests: Digests) -> GivenLora:
    """Read what a plan needs of the LoRA at `path`: its header and its digest.

    Raises `UserError` if there is no such file, or it is no LoRA. What its tensors hold is checked
    when it is installed.
    """
    try:
        _check_kind(path)
        tensors, metadata = header.read(path)
        shapes = {key: tuple(tensor["shape"]) for key, tensor in tensors.items()}
        if not (contents := modules.describe(shapes)).modules:
            raise UserError(f"{path}: {modules.none_in(contents, shapes)}")
        sha256 = digests.of(path)
    except UserError as error:
        raise UserError(f"lora: {error}") from None
    name = as_name(path.stem)
    return GivenLora(path, name, sha256, trained_on.trigger(metadata), metadata)


def _check_kind(path: Path) -> None:
    """Refuse what is not there, and what is not named as a safetensors file."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; name {SUFFIX} files{_nearest(path)}")
    if not path.is_file():
        raise UserError(f"there is no file {path}{_nearest(path.parent, path.name)}")
    if path.suffix.lower() in file_kinds.PICKLED:
        raise UserError(f"{path}: {file_kinds.conversion(path, path.with_suffix(SUFFIX))}")
    if path.suffix.lower() != SUFFIX:
        what = path.suffix or "a file without suffix"
        raise UserError(f"{path}: {what} is not read; name one {SUFFIX} file")


def _nearest(folder: Path, name: str = "") -> str:
    """Return the LoRAs in a folder that are most likely meant, as the end of a message."""
    there = sorted(file.name for file in folder.glob(f"*{SUFFIX}"))
    likely = difflib.get_close_matches(name, there, _READ, 0.4) or there[:_READ]
    near = [*islice((one for one in likely if _is_lora(folder / one)), _SHOWN)]
    return f"; {folder} has {', '.join(near)}" if near else ""


def _is_lora(path: Path) -> bool:
    try:
        return bool(modules.read(path).modules)
    except UserError:
        return False
