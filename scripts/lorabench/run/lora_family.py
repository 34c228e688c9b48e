"""The family of a LoRA that is benched, by its layers, and whether the server renders it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from lorabench.base import families
from lorabench.base.family import Family, Known
from lorabench.base.stable_diffusion import SD15
from lorabench.errors import UserError
from lorabench.layout import RUNS
from lorabench.lora import modules, trained_for
from lorabench.lora.names import is_of_unet, place
from lorabench.run import given_loras
from lorabench.settings.models import Config
from lorabench.settings.servers import EMBEDDED
from lorabench.text.phrases import few

_NAMED = 3
"""So many LoRAs of a family are named in a message."""


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
    """Raise `UserError` if the server would render another family than that of a LoRA.

    The embedded server renders that of the base model, a ComfyUI that of a bundled workflow or else
    of the base model; what a user's own workflow loads may have no file here.
    """
    if not config.lora:
        return
    embedded = config.comfy_url == EMBEDDED
    bundled = None if embedded else families.of_workflow(config.bench_workflow)
    drawn = bundled or (None if config.bench.checkpoint and not embedded else base)
    known = {path: found for path in given_loras.files(config.lora) if (found := _known(path))}
    misfits = {path: found for path, found in known.items() if drawn and drawn not in found}
    if misfits and drawn:
        raise _refusal(misfits, drawn, config, len(known) > len(misfits))


def not_rendered(what: str) -> UserError:
    """Return the refusal of what the embedded server does not render."""
    return UserError(
        f"comfy_url: the embedded server renders {families.EMBEDDED} checkpoints, and {what}; "
        "name a running ComfyUI, such as comfy_url=http://127.0.0.1:8188"
    )


def _known(path: Path) -> Sequence[Known]:
    try:
        return trained_for.of_file(path)
    except UserError:  # a folder's file that is no LoRA is left out elsewhere
        return []


def _refusal(
    misfits: Mapping[Path, Sequence[Known]], drawn: Family, config: Config, others_fit: bool
) -> UserError:
    """Return what to do about LoRAs of other families than the one that is rendered."""
    paths: dict[str, list[str]] = {}
    for path, known in misfits.items():
        paths.setdefault(families.titles(known) or "others", []).append(str(path))
    what = "; ".join(
        f"{few(some, _NAMED)} {'is' if len(some) == 1 else 'are'} for {title}"
        for title, some in paths.items()
    )
    if others_fit:
        return UserError(
            f"lora: {what}; the others are for {drawn.title}. Bench those of one family in a call, "
            "such as lora=[ONE.safetensors,OTHER.safetensors]"
        )
    if config.comfy_url != EMBEDDED:
        return UserError(
            f"lora: {what}, and {config.bench_workflow} renders {drawn.title}; take a LoRA for "
            "that, or another bench_workflow or base_model"
        )
    if not any(isinstance(one, Family) and one.embedded for one in chain(*misfits.values())):
        return not_rendered(f"the LoRA is for {' and '.join(sorted(paths))}")
    return UserError(
        f"lora: {what}, and the base model {config.base_model} is {drawn.a_title} one; give the "
        "checkpoint that it was trained on: base_model=/path/to/checkpoint.safetensors"
    )


def _files(given: Any) -> Iterator[Path]:
    if named := given.get("lora"):
        yield from given_loras.files(named)
    else:
        yield from sorted(RUNS.glob(f"{given.get('run_id')}/train/*.safetensors"))
