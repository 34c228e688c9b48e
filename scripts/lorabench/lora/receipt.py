"""The receipt of an installed LoRA, `train/installed.json`: the name by which a server lists it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lorabench import files
from lorabench.errors import UserError

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
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["path"] = Path(content["path"])
        return Receipt(**content)
    except OSError as error:
        raise UserError(
            f"no LoRA receipt at {path} ({error.strerror}); install_lora.py writes it"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a LoRA receipt from install_lora.py ({error}); install the LoRA again "
            "with --forcerun install_lora"
        ) from None
