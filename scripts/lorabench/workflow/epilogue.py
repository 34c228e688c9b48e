"""Report on the runs at the end: faults, the verdict, and what to open first."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from lorabench.bench.measures import faults
from lorabench.bench.verdicts import choice_words, words
from lorabench.layout import ComparisonLayout, RunLayout
from lorabench.pages import finished_run
from lorabench.pages.run import earlier, next_step
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.run import existing
from lorabench.run.plan import RunPlan


def lines(plans: Sequence[RunPlan]) -> Iterator[str]:
    """Yield the report, run by run, and how to compare several runs; of a matrix, the ranking."""
    if comparison := plans[0].comparison:
        yield from _of_matrix(plans, comparison)
        return
    for plan in plans:
        if len(plans) > 1:
            yield f"\n—— {plan.paths.root} ——"
        yield from _of_run(plan.paths, plan.base_model)
    if len(plans) > 1 and all(plan.paths.page.exists() for plan in plans):
        names = shlex.join(plan.paths.run_id for plan in plans)
        yield f"\nSide by side: uv run python scripts/compare_runs.py {names}"


def _of_matrix(plans: Sequence[RunPlan], comparison: ComparisonLayout) -> Iterator[str]:
    from lorabench.pages.comparison import ranking, summary  # with pandas, SciPy: few calls need it

    found = [finished_run.read(plan.paths.root) for plan in plans]
    head, *rows = ranking.lines(ranking.rank(found))
    yield from ["", *summary.table(head, rows, widest=100)]
    if comparison.page.exists():
        yield f"\nLook at {comparison.page}; each run has its own report.html"


def _of_run(run: RunLayout, base_model: Path | None) -> Iterator[str]:
    """Yield the report on one run, finished or not."""
    found = finished_run.read(run.root)
    if found.faults:
        yield faults.block(found.faults)
    if found.verdict:
        yield from ["", *choice_words.lines(found.verdict, found.loras)]
    wider = ""
    if left_out := earlier.find(run.root, found.sweep):
        wider = repeat_command(found.record, left_out.sweep, base_model)
        yield f"\n{earlier.sentence(left_out)}\n{wider}"
    step = next_step.find(found, base_model)
    if step and step.command != wider:
        yield f"\n{words.try_next(step.code)}\n{step.command}"
    if run.page.exists():
        yield f"\nLook at {run.page}"
    elif existing.is_there(run.lora):
        yield f"\nThe LoRA: {run.lora}"
    elif run.set_page.exists():
        yield f"\nLook at {run.set_page}"
