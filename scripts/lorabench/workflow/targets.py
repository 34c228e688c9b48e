"""The files that a run asks for: pictures, grids and results."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from lorabench.layout import RunLayout
from lorabench.run.plan import RunPlan
from lorabench.settings.models import Config
from lorabench.sweep.pictures import of_variant


def pictures(plan: RunPlan) -> list[str]:
    """Return the pictures of the run's sweep."""
    bench, batch_size = plan.paths.bench, plan.config.batch_size
    found = (of_variant(variant, bench, batch_size) for variant in plan.variants)
    return [str(picture.path) for picture in chain.from_iterable(found)]


def of_training(name: str) -> Callable[[RunPlan], list[Path]]:
    """Look up a path by its name in `RunLayout`; none where a LoRA was made elsewhere."""
    return lambda plan: [getattr(plan.paths, name)] if plan.identity else []


def reference(plan: RunPlan) -> list[Path]:
    """Return the training pictures as the base model can render them: they stay with the run."""
    return [plan.paths.reference] if plan.identity or plan.paths.reference.exists() else []


def grids(run: RunLayout, config: Config) -> list[Path]:
    """Return the grids of each seed: its pictures, and what differs from weight 0 if asked for."""
    kinds = ["weights", "differences"] if config.bench.difference_maps else ["weights"]
    return [run.grid / f"seed{seed}_{kind}.png" for seed in config.seeds for kind in kinds]


def results(plan: RunPlan) -> Iterator[Path]:
    """Yield what a finished run holds."""
    run = plan.paths
    if plan.identity:
        yield run.preprocess_log
    yield from grids(run, plan.config)
    if any(variant.probe for variant in plan.variants):
        yield run.grid / "probes.png"
    yield run.grid / "overview.png"
    yield run.plots / "metrics_by_weight.png"
    yield run.plots / "tradeoff.png"
    yield run.bench / "metrics.csv"
    yield run.bench / "verdict.json"
    yield run.page
    yield run.lora.parent / "README.md"
    yield run.sweep
