"""Whether a server applied the LoRA: of keys that it could not place, only its log tells.

It reports success all the same, and draws the picture of weight 0.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorabench.checkpoint import read_header
from lorabench.comfy.client import Client
from lorabench.comfy.graph import STRENGTH_INPUTS
from lorabench.errors import UserError

UNKNOWN = re.compile(r"lora key not loaded: (\S+)")
MISSHAPEN = re.compile(r"(?:ERROR lora|WARNING SHAPE MISMATCH) (\S+)")
OF_TEXT_ENCODERS = ("lora_te", "text_encoder")


@contextmanager
def watched(client: Client, loader: Mapping[str, Any], lora: Path) -> Iterator[None]:
    """Raise `UserError` if the server logs, while the body renders, that `lora` does not fit.

    `loader` is the node that applies it; with strengths of 0, nothing has to fit. Servers whose
    log cannot be read are believed.
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
    cut = len(new) == len(after) and bool(before)  # the server keeps some hundred lines only
    if problem := _problem("\n".join(new), lora, "strength_clip" in loader["inputs"], cut):
        # It has cached what it drew, and would say nothing when it is asked once more.
        client.free_memory()
        raise UserError(f"{client.url} could not apply the LoRA: {problem}")


def _problem(text: str, lora: Path, with_clip: bool, cut: bool) -> str | None:
    if layers := set(MISSHAPEN.findall(text)):
        return (
            f"{len(layers)} layers have another shape, the first is {min(layers)}; it was trained"
            " for another model than the workflow's checkpoint"
        )
    if not UNKNOWN.search(text):
        return None
    keys = read_header(lora)[0].keys()
    unknown = set(UNKNOWN.findall(text)) & keys
    if not with_clip:  # such a loader leaves the text encoder as it is
        unknown = {key for key in unknown if not key.startswith(OF_TEXT_ENCODERS)}
    if not unknown:
        return None  # those of another LoRA
    count = f"at least {len(unknown)}" if cut else str(len(unknown))
    return (
        f"{count} of its {len(keys)} keys do not fit (lora key not loaded: {min(unknown)}); was it"
        " trained for the family (SD1.x, SDXL) of the workflow's checkpoint?"
    )
