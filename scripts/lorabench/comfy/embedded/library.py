"""The server's model files and picture folders, by name."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKPOINT_FILES = (".safetensors",)
LORA_FILES = (".safetensors", ".sft")
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
MAX_HEADER_BYTES = 1 << 20
INPUT_DIR = Path("input")
"""Where the server finds pictures for LoadImage, unless it is told otherwise."""


@dataclass(frozen=True)
class Library:
    """The folders of models and pictures; `checkpoints` are extra ones outside `models_dir`."""

    models_dir: Path
    loras_dir: Path
    output_dir: Path
    temp_dir: Path
    checkpoints: Sequence[Path] = ()
    input_dir: Path = Path(os.devnull)

    @classmethod
    def nowhere(cls) -> "Library":
        """Return a library without files."""
        nowhere = Path(os.devnull)
        return cls(nowhere, nowhere, nowhere, nowhere)

    def names(self, folder: str) -> list[str]:
        """Return the present names in "checkpoints", "loras", "vae" or "input", sorted.

        Raises `KeyError` for another folder. Of "input", pictures in subfolders are not listed.
        """
        if folder == "input":
            return _pictures_in(self.input_dir)
        return sorted(self._paths(folder))

    def path(self, folder: str, name: str) -> Path | None:
        """Return the file or diffusers folder called `name`, or None.

        In "input", `name` may have subfolders, and end in the folder meant: `a.png [output]`.
        """
        if folder == "input":
            return self._picture(name)
        return self._paths(folder).get(name)

    def fingerprint(self, folder: str, name: str) -> str:
        """Return a text that changes when the file called `name` is replaced."""
        path = self.path(folder, name)
        return "absent" if path is None else fingerprint(path)

    @property
    def pictures(self) -> dict[str, Path]:
        """The folders of pictures by their kind."""
        return {"output": self.output_dir, "temp": self.temp_dir, "input": self.input_dir}

    def _picture(self, name: str) -> Path | None:
        for kind, root in self.pictures.items():
            if name.endswith(mark := f" [{kind}]"):
                return _inside(root, name.removesuffix(mark))
        return _inside(self.input_dir, name)

    def metadata(self, folder: str, name: str) -> dict[str, str] | None:
        """Return the metadata of a safetensors file, or None."""
        path = self.path(folder, name)
        if path is None or path.suffix != ".safetensors":
            return None
        damaged = OSError, ValueError, AttributeError, RecursionError
        with suppress(*damaged), path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length <= MAX_HEADER_BYTES:
                return json.loads(file.read(length)).get("__metadata__")
        return None

    def _paths(self, folder: str) -> dict[str, Path]:
        if folder == "checkpoints":
            extra = {path.name: path for path in self.checkpoints}
            return dict(_walk(self.models_dir / "checkpoints", CHECKPOINT_FILES)) | extra
        where = {"loras": self.loras_dir, "vae": self.models_dir / "vae"}
        return dict(_walk(where[folder], LORA_FILES))


FOLDERS = ("checkpoints", "loras", "vae")


def fingerprint(path: Path) -> str:
    """Return a text that changes when the file, or a file in the folder, is replaced."""
    parts = sorted(path.rglob("*.*")) if path.is_dir() else [path]
    stats = [(part, part.stat()) for part in parts]
    return "\n".join(f"{part} {stat.st_mtime_ns} {stat.st_size}" for part, stat in stats)


def _walk(root: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield (name below `root`, path) of files with `suffixes` and of diffusers folders."""
    for folder, subfolders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        if "model_index.json" in files and here != root:
            subfolders.clear()
            yield here.relative_to(root).as_posix(), here
            continue
        for file in files:
            if file.lower().endswith(suffixes):
                yield (here / file).relative_to(root).as_posix(), here / file


def _pictures_in(folder: Path) -> list[str]:
    with suppress(OSError):
        return sorted(
            entry.name
            for entry in os.scandir(folder)
            if entry.is_file() and entry.name.lower().endswith(PICTURE_FILES)
        )
    return []


def _inside(root: Path, name: str) -> Path | None:
    """Return the file `name` below `root`, or None, also if it leads out of there."""
    with suppress(OSError, ValueError):  # a name that no file can have
        path = (root / name).resolve()
        if path.is_relative_to(root.resolve()) and path.is_file():
            return path
    return None


def next_picture(folder: Path, prefix: str, width: int, height: int) -> tuple[Path, str, int]:
    """Return (folder to save in, file stem, first free counter) for a SaveImage prefix.

    `prefix` may name subfolders and hold %width%, %height%, %year%, %month%, %day%, %hour%,
    %minute% and %second%. The counter is the highest in use plus one. Raises `ValueError`: the
    prefix leads out of `folder`.
    """
    prefix = prefix.replace("%width%", str(width)).replace("%height%", str(height))
    now = time.localtime()
    dates = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    for key, form in dates.items():
        prefix = prefix.replace(f"%{key}%", time.strftime(form, now))
    target = Path(os.path.normpath(folder / os.path.normpath(prefix)))
    if not target.parent.is_relative_to(folder) or prefix.startswith("/"):
        raise ValueError(f"Saving image outside the output folder is not allowed: {prefix!r}")
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"a link leads out of the output folder: {prefix!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent, target.name, _highest(target.parent, target.name) + 1


def _highest(folder: Path, stem: str) -> int:
    """Return the highest counter of the files `<stem>_<counter>_….png` in `folder`, or 0."""
    counters = [0]
    for entry in os.scandir(folder):
        rest = entry.name.removeprefix(f"{stem}_")
        number = rest.split("_")[0]
        if rest != entry.name and number.isdecimal():
            counters.append(int(number))
    return max(counters)
