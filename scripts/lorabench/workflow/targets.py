"""The files that a run asks for: pictures, grids and results."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from lorabench.layout import WHOLE, RunLayout
from lorabench.run import existing
from lorabench.run.plan import RunPlan
from lorabench.settings.models import Config
from lorabench.sweep.pictures import of_variant


def pictures(plan: RunPlan) -> list[str]:
    """Return the pictures of the run's sweep."""
    bench, batch_size = plan.paths.bench, plan.config.batch_size
    found = (of_variant(variant, bench, batch_size) for variant in plan.variants)
    return [str(picture.path) for picture in chain.from_iterable(found)]


def shown(plan: RunPlan) -> list[str]:
    """Return what a comparison with other runs shows, besides what it judges by."""
    return [*pictures(plan), *map(str, of_pictures("preprocess_log")(plan))]


def of_training(name: str) -> Callable[[RunPlan], list[Path]]:
    """Look up a path by its name in `RunLayout`; none where a LoRA was made elsewhere."""
    return lambda plan: [getattr(plan.paths, name)] if plan.training else []


def of_pictures(name: str) -> Callable[[RunPlan], list[Path]]:
    """Look up a path by its name in `RunLayout`; none where no training pictures are known."""
    return lambda plan: [getattr(plan.paths, name)] if plan.raw else []


def set_page(plan: RunPlan) -> list[Path]:
    """Return the page on the set where a training is to come: behind one it is of no use."""
    return [] if existing.is_there(plan.paths.lora) else of_training("set_page")(plan)


def reference(plan: RunPlan) -> list[Path]:
    """Return the training pictures as the base model can render them: they stay with the run."""
    reference = plan.paths.reference
    return [reference] if plan.raw or existing.is_there(reference) else []


def set_folders(plan: RunPlan) -> list[Path]:
    """Return the last folder that each normalizing leaves."""
    return [one.folder / "rejected" for one in plan.sets]


def folders(plan: RunPlan) -> list[Path]:
    """Return the last folder of each job that leaves some."""
    found = [*set_folders(plan), *reference(plan)]
    if plan.searches and not plan.search.settled:
        return found
    grids = [plan.paths.grid / "loras"] if len(plan.several) > 1 else []
    return [*found, *of_pictures("rejected")(plan), *grids]


def whole(folder: Path) -> str:
    """Return the file that a bucket has once it has all of a folder."""
    return str(folder.with_name(f"{folder.name}{WHOLE}"))


def grids(run: RunLayout, config: Config) -> list[Path]:
    """Return the grids of each seed: its pictures, and what differs from weight 0 if asked for."""
    kinds = ["weights", "differences"] if config.bench.difference_maps else ["weights"]
    return [run.grid / f"seed{seed}_{kind}.png" for seed in config.seeds for kind in kinds]


def judged(plan: RunPlan) -> list[Path]:
    """Return what a comparison with other runs reads, besides pictures and records of trainings."""
    bench = plan.paths.bench
    measured = [bench / name for name in ("verdict.json", "summary.csv", "metrics.csv")]
    return [plan.paths.sweep, *measured]


def results(plan: RunPlan) -> Iterator[Path]:
    """Yield what a finished run holds; a search is laid out when it has ended."""
    run = plan.paths
    yield from of_pictures("preprocess_log")(plan)
    yield from set_page(plan)
    if plan.searches and not plan.search.settled:
        yield from (run.verdict, run.sweep)
        return
    yield from grids(run, plan.config)
    if any(variant.probe for variant in plan.variants):
        yield run.grid / "probes.png"
    if len(plan.several) > 1:
        yield from (run.grid / "loras.png", run.plots / "loras.png")
    yield run.grid / "overview.png"
    yield from (run.plots / "metrics_by_weight.png", run.plots / "tradeoff.png")
    yield from (run.bench / "metrics.csv", run.verdict)
    yield from (run.page, run.sweep, run.card)
