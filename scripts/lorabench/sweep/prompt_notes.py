"""Report on prompts before they are rendered, if ComfyUI may read them unexpectedly."""

import re
from collections.abc import Iterator, Sequence

from lorabench.text import syntax

_EMBEDDING = re.compile(r"(?<!\S)embedding:[^\s,]+")


def notes(prompts: Sequence[str], trigger: str, embedded_server: bool) -> Iterator[str]:
    """Yield what a user should know about the prompts as they were typed, a line for each thing."""
    if any(syntax.called(prompt, trigger) != prompt for prompt in prompts):
        yield syntax.remark_on_trigger(trigger)
    if said := syntax.remark_on_prompts(prompts):
        yield said
    found = dict.fromkeys(name for prompt in prompts for name in _EMBEDDING.findall(prompt))
    if found and embedded_server:
        yield f"{', '.join(found)} in prompts is left out: the embedded server has no embeddings"
