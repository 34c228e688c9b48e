"""Check that a server applied the LoRA.

Keys that it could not place appear only in its log: it reports success and draws weight 0.
"""

import re
from collections.abc import Collection, Generator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorabench.base.families import PUBLIC
from lorabench.comfy.client.client import Client
from lorabench.comfy.graph.graph import STRENGTH_INPUTS
from lorabench.errors import UserError
from lorabench.lora import modules as lora_modules
from lorabench.lora.modules import Contents, Module, forms, meaning
from lorabench.lora.names import kohyas, place

UNKNOWN = re.compile(r"lora key not loaded: (\S+)")
FAILED = re.compile(
    r"(?:ERROR (?:lora|loha|lokr|glora|oft|boft)|WARNING SHAPE MISMATCH|Calculate Weight Failed:)"
    r" (\S+)(.*)"
)
SHAPES = re.compile(r"is invalid for input of size|cannot be multiplied|must match|!=")
"""Errors of torch and ComfyUI for a LoRA of another width."""
STRIDES = "view size is not compatible"
"""How it fails on a `Module` that `may_fail`, of this LoRA or of another that is rendered at the
same time. The installation said that these layers may stay as they are."""


@contextmanager
def watched(client: Client, loader: Mapping[str, Any], lora: Path) -> Generator[None]:
    """Raise `UserError` if the server logs, while the body renders, that `lora` does not fit.

    `loader` is the node that applies it; with strengths of 0, nothing has to fit. If a server's
    log cannot be read, the LoRA counts as applied.
    """
    strengths = [loader["inputs"][name] for name in STRENGTH_INPUTS if name in loader["inputs"]]
    if not any(strengths):
        yield
        return
    before = client.log_lines()
    yield
    after = client.log_lines()
    last = before[-1][0] if before else ""
    new = [text for time, text in after if time > last]
    cut = len(new) == len(after) and bool(before)  # the server keeps only some hundred lines
    if problem := _problem("\n".join(new), lora, "strength_clip" in loader["inputs"], cut):
        # It has cached the picture, and would log nothing the next time.
        client.free_memory()
        raise UserError(f"{client.url} could not apply the LoRA: {problem}")


def _problem(text: str, lora: Path, with_clip: bool, cut: bool) -> str | None:
    if failed := [found for found in FAILED.findall(text) if STRIDES not in found[1]]:
        layer, reason = min(failed)
        cause = "; it was trained for another model than the workflow's checkpoint"
        return (
            f"{len({layer for layer, _ in failed})} layers could not be changed, the first is "
            f"{layer}:{reason.rstrip()}{cause if SHAPES.search(reason) else ''}"
        )
    if not UNKNOWN.search(text):
        return None
    contents = lora_modules.read(lora)
    # The installation reported tensors of no layer; other keys are another LoRA's.
    ours = _keys(contents.modules, with_clip) | set(contents.strange)
    unknown = set(UNKNOWN.findall(text)) & ours
    if not unknown:
        return None
    count = f"at least {len(unknown)}" if cut else str(len(unknown))
    total = len(_keys(contents.modules, True)) + len(contents.strange)
    return (
        f"{count} of its {total} keys do not fit (lora key not loaded: {min(unknown)}); "
        f"{_cause(unknown, contents)}"
    )


def _keys(modules: Collection[Module], with_clip: bool) -> set[str]:
    """Return the tensors that must be applied; some loaders leave the text encoder as it is."""
    return {
        key
        for module in modules
        if with_clip or not place(module.name)[0].startswith("text_encoder")
        for key in module.keys.values()
    }


def _cause(unknown: Set[str], contents: Contents) -> str:
    """Return why keys were not loaded, as far as their names show it."""
    if strange := sorted(unknown & set(contents.strange)):
        return f"{meaning(strange) or 'they are of no known kind'}, which this server does not know"
    lost = {m.name: m for m in contents.modules if unknown & set(m.keys.values())}
    halves = [m for m in lost.values() if not unknown >= set(m.keys.values())]
    kept = forms(m for m in contents.modules if m.name not in lost)
    whole = {form: number for form, number in forms(lost.values()).items() if form not in kept}
    if halves or (kept and whole):
        named = ", ".join(f"{form} {number}" for form, number in (whole or forms(halves)).items())
        return f"this server does not apply them ({named}); a newer ComfyUI may"
    if any(map(kohyas, lost)):  # a copy that was installed before `install` changed its names
        return (
            "its layers have the names of diffusers and PEFT, which this server does not know; "
            "--forcerun install_lora installs it again with kohya's"
        )
    return (
        f"was it trained for the family ({', '.join(family.title for family in PUBLIC)}) of the "
        "workflow's checkpoint? If so, this server does not know the names of its layers: convert "
        "it to kohya's names"
    )
