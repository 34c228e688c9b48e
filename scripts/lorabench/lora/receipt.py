"""The receipt of an installed LoRA, `train/installed.json`: the name by which a server lists it."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from lorabench import files
from lorabench.errors import UserError
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


def check(receipt: Receipt) -> None:
    """Raise `UserError` if a server would find another file than the one that was installed."""
    if not receipt.path.is_file():
        problem = "is gone"
    elif files.sha256(receipt.path) != receipt.sha256:
        problem = "is damaged: it is no longer the installed file"
    else:
        return
    raise UserError(
        f"the LoRA {receipt.path} {problem}; install it again with --forcerun install_lora"
    )


def check_again(receipt: Receipt, written: Path) -> None:
    """Do as `check` if the LoRA was touched after its receipt, `written`, which is a look's work.

    One that is gone is left to the server, which may have it elsewhere.
    """
    lora = receipt.path
    if lora.is_file() and lora.stat().st_ctime_ns > written.stat().st_mtime_ns:
        check(receipt)
