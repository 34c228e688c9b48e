"""Installs a LoRA in the folder that ComfyUI lists LoRAs from."""

import json
import logging
import shutil
from pathlib import Path

from lorabench import files, lora_check, lora_file, tensor_file
from lorabench.errors import UserError

log = logging.getLogger("lorabench")

DIGITS = 8


def install(
    lora: Path,
    folder: Path,
    receipt: Path,
    base_model: Path | None = None,
    server: lora_check.Server = "embedded",
) -> Path:
    """Copy `lora` into `folder` and write `receipt`; return the installed path.

    The name is `<stem>-<8 hex>.safetensors`. The hex digits are the first of the SHA-256 of the
    tensors alone: ComfyUI caches a LoRA by its name, so other weights need another name, while
    equal weights keep theirs whenever they were trained. A file of that name whose tensors are
    those is kept. The receipt is JSON: name (as ComfyUI lists it), path, sha256 and size in bytes
    of the installed file, source, and in `file` what the LoRA holds (`lora_check.FileFacts`).

    Raises:
        UserError: `lora` is no working LoRA, none for `base_model` or none that `server` can
            apply, or `folder` cannot be written.
    """
    if not lora.is_file():
        raise UserError(f"--lora {lora}: there is no such file; train it first.")
    found = lora_check.check(lora, base_model, server)
    log.info("%s: %s", lora.name, found)
    target = folder / f"{lora.stem}-{found.content[:DIGITS]}.safetensors"
    if not _holds(target, found.content):
        _copy(lora, target, found.content)
    facts = {
        "name": target.name,
        "path": target.as_posix(),
        "sha256": files.sha256(target),
        "size": target.stat().st_size,
        "source": lora.as_posix(),
        "file": found.to_json(),
    }
    files.write_text(receipt, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return target


def _holds(target: Path, content: str) -> bool:
    """Tell whether `target` is already there, whole and with those tensors."""
    try:
        return target.is_file() and lora_file.verify(target).content == content
    except UserError:
        return False


def _copy(lora: Path, target: Path, content: str) -> None:
    try:
        with files.publish(target) as temporary:
            if tensor_file.is_standard(lora):
                shutil.copyfile(lora, temporary)
            else:
                log.warning("%s: its metadata are left out: no ComfyUI reads such ones", lora.name)
                temporary.write_bytes(tensor_file.with_metadata(lora.read_bytes(), {}))
            lora_file.verify(temporary, content)
    except OSError as error:
        raise UserError(
            f"--install-dir {target.parent}: cannot be written ({error.strerror or error}); allow "
            "it, or name the folder of your ComfyUI's LoRAs in lora_install_dir."
        ) from error
