"""The installed LoRA of a receipt, on a machine that may be another than the one it is from."""

from pathlib import Path

from lorabench.lora import receipt
from lorabench.lora.receipt import Receipt


def read_here(path: Path, lora: Path | None) -> Receipt:
    """Return the receipt at `path`, and install `lora`, the original, again where it is missing.

    Raises `UserError` as `receipt.read` does.
    """
    found = receipt.read(path)
    if lora and not found.path.is_file():
        from lorabench.lora import install  # of no use to most cells

        install.put(lora, found.path, found.file["content"])
    return found
