"""Copy a LoRA file into a run."""

import shutil
from pathlib import Path

from lorabench import files
from lorabench.errors import UserError


def copy(source: Path, sha256: str, target: Path) -> None:
    """Copy `source`, whose content has this digest in hex, to `target`.

    Raises `UserError` if it cannot be read, or has been replaced meanwhile; then there is no copy.
    """
    try:
        given = source.open("rb")
    except OSError as error:
        raise UserError(f"--lora {source}: cannot be copied ({error.strerror})") from None
    with given, files.publish(target) as temporary:
        with temporary.open("wb") as copied:
            shutil.copyfileobj(given, copied)
        if files.sha256(temporary) != sha256:
            raise UserError(
                f"--lora {source}: was replaced by another file meanwhile; run the same command "
                "again: it makes another run"
            )
