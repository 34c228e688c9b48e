"""What is said of a run when all is done: what is wrong, the verdict, what to open first."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from lorabench.bench.measures import faults
from lorabench.bench.verdicts import verdict, words
from lorabench.config import read_sweep
from lorabench.layout import RunLayout
from lorabench.plan import RunPlan
from lorabench.report import earlier, next_step


def lines(plans: Sequence[RunPlan]) -> Iterator[str]:
    """Yield it, run by run, and how to see several side by side."""
    for plan in plans:
        if len(plans) > 1:
            yield f"\n—— {plan.paths.root} ——"
        yield from _of_run(plan.paths, Path(plan.config.base_model))
    if len(plans) > 1 and all(plan.paths.page.exists() for plan in plans):
        names = shlex.join(plan.paths.run_id for plan in plans)
        yield f"\nSide by side: uv run python scripts/compare_runs.py {names}"


def _of_run(run: RunLayout, base_model: Path) -> Iterator[str]:
    """Yield it, as far as the run has come."""
    page, warnings = run.root / "report.html", run.bench / "warnings.json"
    judged = run.bench / "verdict.json"
    if warnings.exists() and (found := faults.read(warnings)):
        yield faults.block(found)
    left_out = earlier.find(run.root, base_model)
    if judged.exists():
        yield ""
        told = verdict.read(judged)
        yield from words.lines(told)
    if left_out:
        yield f"\n{earlier.sentence(left_out)}\n{left_out.command}"
    if judged.exists():
        sweep = read_sweep(run.bench / "sweep.yaml")
        step = next_step.find(run.root, told, sweep, base_model)
        if step and not (left_out and step.command == left_out.command):
            yield f"\n{words.try_next(step.code)}\n{step.command}"
    if page.exists():
        yield f"\nLook at {page}"
    elif run.lora.exists():
        yield f"\nThe LoRA: {run.lora}"
