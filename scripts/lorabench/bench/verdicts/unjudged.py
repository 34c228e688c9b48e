"""List what could not be judged from a sweep, and which pictures are missing for it."""

from collections.abc import Iterator

import pandas as pd

from lorabench.bench.verdicts.verdict import Finding
from lorabench.sweep.variants import copy_weights

ENOUGH_PROMPTS = 8
ENOUGH_TRIGGER_SEEDS = 8
"""The limits were calibrated with these numbers (docs/verdict.md)."""
MANY_PROMPTS = 64
"""Nobody renders more to settle a close answer or a tie."""
Z = 1.96
"""Standard errors on either side of a mean that hold 95 % of it."""


def unjudged(table: pd.DataFrame, trigger: bool, bundled: bool) -> Iterator[Finding]:
    """Yield what could not be judged.

    `trigger`: whether trigger words are known; `bundled`: whether the base model rendered for which
    the limits were calibrated.
    """
    if not bundled:
        yield Finding("other_base")
    asked = table[table["probe"] == ""]
    prompts, cells = asked["variant"].nunique(), len(asked)
    if prompts < ENOUGH_PROMPTS:
        more = (ENOUGH_PROMPTS - prompts) * cells // prompts
        yield Finding("few_prompts", value=prompts, limit=ENOUGH_PROMPTS, pictures=more)
    texts = [name for name in asked.columns if name.endswith("_prompt")]
    if texts and prompts > 1 and asked[texts].isna().all(axis=None):
        yield Finding("text_blind")
    if asked["style_gained"].isna().all():
        yield Finding("no_training_set")
    if not trigger:
        yield Finding("no_trigger")
        return
    yield from _of_copies(table)
    if not (table["probe"] == "untriggered").any():
        more = 2 * min(prompts, ENOUGH_PROMPTS) * asked["index"].nunique()
        yield Finding("no_untriggered", pictures=more)


def _of_copies(table: pd.DataFrame) -> Iterator[Finding]:
    alone = table[table["probe"] == "trigger"]
    seeds = alone["seed"].nunique()
    if seeds < ENOUGH_TRIGGER_SEEDS:
        weights = len(copy_weights(list(table["weight"].unique())))
        more = (ENOUGH_TRIGGER_SEEDS - seeds) * weights * table["index"].nunique()
        yield Finding("few_triggers", value=seeds, limit=ENOUGH_TRIGGER_SEEDS, pictures=more)
    elif alone["copy_similarity"].isna().all():
        yield Finding("no_pictures_to_copy")
