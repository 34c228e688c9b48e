"""The next stage of a search for the best LoRA and weight, recorded for the next call."""

from collections.abc import Sequence

from lorabench.bench.verdicts import search, stored, summary
from lorabench.run.plan import RunPlan
from lorabench.sweep.loras import SweptLora, label
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.search import Part, narrowed, weights
from lorabench.sweep.variants import cells
from lorabench.text.phrases import count, listed

_STAGES = {
    "between": "the weights between, of what can still be the best",
    "prompts": "all prompts of the best two",
    "finer": "finer weights around the best",
    "probes": "the trigger words alone, and prompts without them, of the one to use",
}


def go_on(plan: RunPlan) -> str:
    """Record the next parts of a search, or that it has ended; return what to say of it."""
    begun, found = plan.search, _found(plan)
    before = after = _pictures(plan, begun.parts)
    code, more, stage = "", (), begun.stage
    while after == before and stage < search.STAGES:
        code, more = search.following(found, stage)
        after, stage = _pictures(plan, (*begun.parts, *more)), stage + 1
    most = plan.config.pictures
    if after == before or (most and after > most):
        limit = most if after > before else None
        begun.model_copy(update={"settled": True, "limit": limit}).write(plan.paths.search)
        why = f"; {most} pictures are not enough for the next stage" if limit else ""
        return f"\n{plan.paths.root}: the search has ended with {count(before, 'picture')}{why}"
    parts = (*begun.parts, *more)
    begun.model_copy(update={"parts": parts, "stage": stage}).write(plan.paths.search)
    added = sorted(weights(more) - weights(begun.parts) - set(plan.config.weights))
    new = f", at {listed([f'{one:g}' for one in added])}, too" if added else ""
    return (
        f"\n{plan.paths.root}: the search goes on: {_STAGES[code]} ({_named(plan, more)}{new}), "
        f"{count(after - before, 'picture')}"
    )


def _found(plan: RunPlan) -> search.Found:
    table = summary.read(plan.paths.bench / "metrics.csv")
    loras = SweepRecord.read(plan.paths.sweep).loras
    return search.Found(
        loras=loras or (SweptLora("", plan.paths.lora.name, plan.paths.lora.stem),),
        weights=plan.search.weights,
        prompts=plan.prompts,
        tables=summary.by_lora(table, loras),
        verdict=stored.read(plan.paths.verdict),
    )


def _pictures(plan: RunPlan, parts: Sequence[Part]) -> int:
    """Return how many pictures these parts have; LoRAs share those at weight 0."""
    every = narrowed(plan.full({*plan.config.sweep, *weights(parts)}), parts)
    return len(cells(every)) * plan.config.batch_size


def _named(plan: RunPlan, parts: Sequence[Part]) -> str:
    names = {one.key: label(one) for one in plan.several}
    return listed(list(dict.fromkeys(names.get(part.lora, "the LoRA") for part in parts)))
