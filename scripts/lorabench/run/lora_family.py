"""The family of a LoRA that is benched, by its layers, and whether the server renders it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lorabench.base import families
from lorabench.base.family import Family
from lorabench.base.stable_diffusion import SD15
from lorabench.errors import UserError
from lorabench.layout import RUNS
from lorabench.lora import modules, trained_for
from lorabench.lora.names import is_of_unet, place
from lorabench.run import given_loras
from lorabench.settings.models import Config
from lorabench.settings.servers import EMBEDDED


def find(given: Any) -> Family:
    """Return the family of the LoRA that is benched by the settings `given`.

    Names that are no family's are those of `families.OTHER`. What is wrong with a file is said
    where it is read.
    """
    for path in _files(given):
        try:
            known = trained_for.of_file(path)
            if found := next((one for one in known if isinstance(one, Family)), None):
                return found
            layers = [place(one.name)[1] for one in modules.read(path).modules]
            return SD15 if any(map(is_of_unet, layers)) else families.OTHER
        except UserError:
            continue
    return SD15  # as most are


def check(config: Config, base: Family | None) -> None:
    """Raise `UserError` if the server would render another family than that of the LoRA.

    A ComfyUI renders that of a bundled workflow, or else of the base model; what a user's own
    workflow loads may have no file here. Several LoRAs are compared when they are installed.
    """
    if not config.lora:
        return
    if config.comfy_url == EMBEDDED:
        _check_embedded(find({"lora": config.lora}))
    elif not given_loras.is_several(config.lora):
        _check_comfyui(config, base)


def not_rendered(what: str) -> UserError:
    """Return the refusal of what the embedded server does not render."""
    return UserError(
        f"comfy_url: the embedded server renders {families.EMBEDDED} checkpoints, and {what}; "
        "name a running ComfyUI, such as comfy_url=http://127.0.0.1:8188"
    )


def _check_embedded(lora: Family) -> None:
    if lora is not families.OTHER and not lora.embedded:
        raise not_rendered(f"the LoRA is for {lora.title}")


def _check_comfyui(config: Config, base: Family | None) -> None:
    bundled = families.of_workflow(config.bench_workflow)
    drawn = bundled or (None if config.bench.checkpoint else base)
    known = trained_for.of_file(Path(str(config.lora)))
    if drawn and known and drawn not in known:
        raise UserError(
            f"lora: {config.lora} is for {families.titles(known) or 'others'}, and "
            f"{config.bench_workflow} renders {drawn.title}; take a LoRA for that, or another "
            "bench_workflow or base_model"
        )


def _files(given: Any) -> Iterator[Path]:
    if named := given.get("lora"):
        yield from given_loras.files(named)
    else:
        yield from sorted(RUNS.glob(f"{given.get('run_id')}/train/*.safetensors"))
