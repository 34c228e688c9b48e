"""The receipt of an installed LoRA, `train/installed.json`: the name by which a server lists it."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from lorabench import files
from lorabench.settings.formats import known, reading

FORMAT = 1


@dataclass(frozen=True)
class Receipt:
    """What was installed, and where."""

    name: str
    """ComfyUI's name for it."""
    path: Path
    sha256: str
    """Of the installed file, as hex."""
    size: int = 0
    """Its bytes."""
    source: str = ""
    """The original LoRA."""
    file: dict[str, Any] = field(default_factory=dict)
    """The LoRA's contents: `fit.FileFacts`."""
    format: int = FORMAT


def write(receipt: Receipt, path: Path) -> None:
    """Write the receipt as JSON."""
    content = {**asdict(receipt), "path": receipt.path.as_posix()}
    files.write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> Receipt:
    """Read what `write` wrote; raise `UserError` for anything else."""
    with reading(path, "a LoRA receipt"):
        content: dict[str, Any] = known(json.loads(path.read_bytes()), path, FORMAT)
        content["path"] = Path(content["path"])
        # Not by pydantic: every cell reads it, and would take half as long again to start.
        kinds: dict[str, Any] = {one.name: one.type for one in fields(Receipt)}
        given = {name: content[name] for name in kinds if name in content}
        for name, value in given.items():
            if not isinstance(value, get_origin(kinds[name]) or kinds[name]):
                raise TypeError(f"{name}: {value!r}")
        return Receipt(**given)
