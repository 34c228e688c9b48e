"""Install a LoRA in the folder from which ComfyUI lists LoRAs."""

import shutil
from dataclasses import asdict
from pathlib import Path

from lorabench import cli, files
from lorabench.base import header
from lorabench.errors import UserError, of_system
from lorabench.lora import file as lora_file
from lorabench.lora import fit, tensor_file, trained_for
from lorabench.lora import modules as lora_modules
from lorabench.lora.file import DOWN, UP
from lorabench.lora.modules import Server
from lorabench.lora.names import comfys
from lorabench.lora.receipt import Receipt
from lorabench.lora.receipt import write as write_receipt
from lorabench.text.phrases import count

DIGITS = 8


def install(
    lora: Path,
    folder: Path,
    receipt: Path,
    base_model: Path | None = None,
    server: Server = "embedded",
    trained_here: bool = False,
) -> Path:
    """Copy `lora` into `folder` and write `receipt`; return the installed path.

    The name is `<stem>-<8 hex>.safetensors`, with the first digits of the tensors' SHA-256: ComfyUI
    caches a LoRA by its name, so other weights need another name. A file of that name with the same
    tensors is kept. In the copy, modules that ComfyUI may not load by their names have others.
    Raises `UserError` if `lora` does not work, does not fit `base_model`, `server` cannot apply it,
    or it was `trained_here` and changed since, or if `folder` cannot be written.
    """
    if not lora.is_file():
        raise UserError(f"--lora {lora}: there is no such file; train it first.")
    found = fit.check(lora, base_model, server)
    written = header.read(lora)[1].get("sshs_model_hash", found.content)
    if trained_here and written != found.content:
        raise UserError(
            f"{lora} is damaged: its tensors are not those that were trained ({found.content[:12]}…"
            f" instead of {written[:12]}…). Bring it back from a copy, or delete it: the same"
            " command then trains it again."
        )
    cli.detail("%s: %s", lora.name, found)
    files.remove_left(folder)
    target = folder / f"{lora.stem}-{found.content[:DIGITS]}.safetensors"
    put(lora, target, found.content)
    made = Receipt(
        name=target.name,
        path=target,
        sha256=files.sha256(target),
        size=target.stat().st_size,
        source=lora.as_posix(),
        file=asdict(found),
    )
    write_receipt(made, receipt)
    return target


def put(lora: Path, target: Path, content: str) -> None:
    """Copy a LoRA whose tensors have this digest to `target`, if it is not there."""
    if not _holds(target, content):
        _copy(lora, target, content)


def _names(lora: Path) -> tuple[dict[str, str], str]:
    """Return other names of the tensors that a ComfyUI may not load by their own, and in words."""
    modules, families = lora_modules.read(lora).modules, trained_for.of_file(lora)
    renamed = {m.name: name for m in modules if (name := comfys(m.name, families))}
    suffixes = {"down": DOWN, "up": UP}
    names = {
        key: renamed[module.name] + suffixes.get(role, key.removeprefix(module.name))
        for module in modules
        if module.name in renamed
        for role, key in module.keys.items()
    }
    first = next(iter(renamed), "")
    lost = f"{len(renamed)} of its {count(len(modules), 'module')} by name (first: {first})"
    return names, lost


def _holds(target: Path, content: str) -> bool:
    """Return whether `target` is already there, whole and with these tensors."""
    try:
        there = lora_file.verify(target, content) if target.is_file() else None
    except UserError:
        return False
    return there is not None and not _names(target)[0]


def _copy(lora: Path, target: Path, content: str) -> None:
    names, lost = _names(lora)
    standard = header.is_standard(lora)
    if not standard:
        cli.log.warning("%s: the copy has no metadata: ComfyUI cannot read these", lora.name)
    if names:
        cli.log.info(
            "%s: a ComfyUI may not load %s, so these have names that it loads in the installed "
            "copy. In ComfyUI, use %s, too%s",
            lora.name, lost, target.name, _or_convert(lora),
        )  # fmt: skip
    try:
        with files.publish(target) as temporary:
            if standard and not names:
                shutil.copyfile(lora, temporary)
            else:
                metadata = header.read(lora)[1] if standard else {}
                data = tensor_file.with_header(lora.read_bytes(), metadata, names)
                temporary.write_bytes(data)
            lora_file.verify(temporary, content)
    except OSError as error:
        raise UserError(
            f"lora_install_dir (--install-dir): {target.parent} cannot be written "
            f"({of_system(error)}); name the folder that your ComfyUI lists LoRAs from"
        ) from error


def _or_convert(lora: Path) -> str:
    """Return which program of its trainer's writes a file that ComfyUI loads, if one is known."""
    families = trained_for.of_file(lora)
    naming = families[0].naming if len(families) == 1 else None
    return f", or convert the file by {naming.converter}" if naming and naming.converter else ""
