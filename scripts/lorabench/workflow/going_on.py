"""A sweep that goes on by itself, to higher weights: the best so far is the highest rendered."""

import atexit
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from lorabench.pages import advice, finished_run
from lorabench.run import existing
from lorabench.run.further import Further
from lorabench.run.plan import RunPlan
from lorabench.text.phrases import count, listed
from lorabench.workflow import searching
from lorabench.workflow.stopping import Stopping

_HIGHEST = 1.2
"""A LoRA that works above this only is a weak one."""


def go_on(plans: Iterable[RunPlan], stopping: Stopping) -> list[str]:
    """Record the further weights of the runs, and render them when this process has ended.

    Returns a line for each run that goes on. Nothing else can do it: a sweep is fixed when
    Snakemake parses, and its lock is held until it ends.
    """
    said = [line for plan in plans for line in _next(plan)]
    if said:
        atexit.register(_call_again, stopping)
    return said


def _next(plan: RunPlan) -> Iterator[str]:
    """Say with what a run goes on: epochs that its training kept, a search, or higher weights."""
    if plan.awaits_epochs and (kept := existing.epochs(plan.paths)):
        number = count(len(kept), "epoch")
        yield f"\n{plan.paths.root}: going on with the {number} that the training kept"
    elif plan.searches and not plan.search.settled:
        yield searching.go_on(plan)
    elif not (plan.several or plan.searches) and (weights := _further(plan)):
        yield _record(plan, weights)


def _further(plan: RunPlan) -> Sequence[float]:
    """Return the next weights of a run; none if somebody chose the weights or none would help."""
    if not plan.embedded_server or "weights" in plan.given:
        return ()
    run = finished_run.read(plan.paths.root)
    if not run.sweep or not run.verdict or run.verdict.label not in ("works", "weak"):
        return ()
    found = advice.advise(run.verdict, run.record, run.sweep)
    if not found or found.code != "higher_weights":
        return ()
    return [one for one in found.sweep.weights if max(plan.config.weights) < one <= _HIGHEST]


def _record(plan: RunPlan, weights: Sequence[float]) -> str:
    Further(weights=(*plan.config.weights, *weights)).write(plan.paths.further)
    highest, more = max(plan.config.weights), listed([f"{weight:g}" for weight in weights])
    return f"\n{plan.paths.root}: {highest:g} may not be the best weight yet; going on with {more}"


def _call_again(stopping: Stopping) -> None:
    """Call Snakemake in place of this process, as it was called."""
    stopping.hold_back()
    if not stopping.begun:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "snakemake", *sys.argv[1:]])
