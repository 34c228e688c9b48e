"""Check that a server applied the LoRA.

Keys that it could not place appear only in its log: it reports success and draws weight 0.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorabench.comfy.client.client import Client
from lorabench.comfy.client.waiting import Waiting
from lorabench.comfy.graph.graph import STRENGTH_INPUTS
from lorabench.errors import UserError

UNKNOWN = re.compile(r"lora key not loaded: (\S+)")
FAILED = re.compile(
    r"(?:ERROR (?:lora|loha|lokr|glora|oft|boft)|WARNING SHAPE MISMATCH|Calculate Weight Failed:)"
    r" (\S+)(.*)"
)
ABSENT = re.compile(r"NOT LOADED(: \()? ?\(?'?diffusion_model\.([\w.-]+)\.weight")
"""A layer that a known name stands for and the model lacks. With a bracket after the colon: rows of
a layer, which bypassing loaders leave as they are."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SHAPES = re.compile(r"is invalid for input of size|cannot be multiplied|must match|!=")
"""Errors of torch and ComfyUI for a LoRA of another width."""
STRIDES = "view size is not compatible"
"""How it fails on a `Module` that `may_fail`, of this LoRA or of another that is rendered at the
same time. The installation said that these layers may stay as they are."""


@contextmanager
def watched(
    client: Client,
    loaders: Sequence[Mapping[str, Any]],
    loras: Sequence[Path],
    waiting: Waiting | None = None,
) -> Generator[None]:
    """Raise `UserError` if the server logs, while the body renders, that a LoRA does not fit.

    `loaders` are the nodes that apply its files, `loras`; with strengths of 0, nothing has to fit.
    If a server's log cannot be read, the LoRA counts as applied. What was logged since a killed try
    counts, too.
    """
    inputs = [loader["inputs"] for loader in loaders]
    if not any(one[name] for one in inputs for name in STRENGTH_INPUTS if name in one):
        yield
        return
    waiting = waiting or Waiting(None, {})
    left = waiting.left if waiting.left and waiting.left.url == client.url else None
    waiting.log = last = left.log if left else next(reversed(client.log_lines()), None)
    yield
    after = client.log_lines()
    # By its place: a server's clock may be set back.
    old = after.index(last) + 1 if last in after else 0
    new = "\n".join(text for _, text in after[old:])
    cut = not old and last is not None  # the server keeps only some hundred lines
    for one, lora in zip(inputs, loras, strict=True):  # two of a pair have the same layers
        if problem := _problem(new, lora, "strength_clip" in one, cut):
            # It has cached the picture, and would log nothing the next time.
            client.free_memory()
            raise UserError(f"{client.url} could not apply the LoRA: {problem}")


def _problem(text: str, lora: Path, with_clip: bool, cut: bool) -> str | None:
    text = _COLOUR.sub("", text)
    if failed := [found for found in FAILED.findall(text) if STRIDES not in found[1]]:
        layer, reason = min(failed)
        cause = "; it was trained for another model than the workflow's checkpoint"
        return (
            f"{len({layer for layer, _ in failed})} layers could not be changed, the first is "
            f"{layer}:{reason.rstrip()}{cause if SHAPES.search(reason) else ''}"
        )
    if not UNKNOWN.search(text) and not ABSENT.search(text):
        return None
    from lorabench.comfy.client import unplaced_keys  # a LoRA that fits needs no reading

    unplaced = unplaced_keys.problem(set(UNKNOWN.findall(text)), lora, with_clip, cut)
    return unplaced or unplaced_keys.absent(set(ABSENT.findall(text)), lora)
