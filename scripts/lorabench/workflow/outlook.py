"""What a call will do, and about how long that takes: said first, or, in a dry run, alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.pages.run import earlier
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.run import notes
from lorabench.run.plan import RunPlan
from lorabench.settings.models import BUNDLED_BASE, Config
from lorabench.sweep.pictures import REFERENCES
from lorabench.text.phrases import count, listed
from lorabench.workflow import forecast

_OF_GPUS = tuple(Path("/dev") / name for name in ("nvidiactl", "kfd", "dxg"))
"""What a machine with a GPU has for CUDA, for ROCm, and in WSL; torch is too slow to ask."""
_EVALUATION = {
    "measure": ["bench_metrics"],
    "judge": ["bench_verdict"],
    "lay out": [
        "bench_grid",
        "bench_loras",
        "bench_probes",
        "bench_plots",
        "bench_loras_plot",
        "bench_report",
    ],
}


def lines(plan: RunPlan, jobs: Mapping[str, int], at_once: int, here: bool = True) -> Iterator[str]:
    """Yield what `jobs`, numbers by rule, will do, on this machine or elsewhere.

    `at_once` cells are on their way at a time.
    """
    yield from notes.notes(plan)
    yield from _without_use(plan)
    yield from (risk.line() for risk in plan.risks)
    stages = list(_stages(plan, jobs, here)) or [rule.replace("_", " ") for rule in jobs]
    which = f" ({plan.varied})" if plan.varied else ""
    yield f"{plan.paths.root}{which}: {', '.join(stages)}"
    if cells := jobs.get("bench_image", 0):
        seconds = _drawing(plan, cells, at_once)
        usual = None if plan.embedded_server or plan.config.bench.size else picture_seconds(plan)
        yield forecast.sentence(plan.variants, plan.config.batch_size, cells, seconds, usual)
        if not plan.embedded_server and not plan.given & {"prompts", "probe"}:
            yield "Fewer pictures, and no verdict: prompts=[] probe=off"
    if left_out := earlier.find(plan.paths.root, plan.sweep):
        yield earlier.sentence(left_out)
        yield repeat_command(plan.record, left_out.sweep, plan.base_model)


def _without_use(plan: RunPlan) -> Iterator[str]:
    """Yield what was given for a training, where a finished LoRA is benched and none trained."""
    if not plan.config.lora:
        return
    given = {"trainer": plan.config.trainer != "embedded", "models": bool(plan.config.models)}
    if idle := [name for name, is_given in given.items() if is_given]:
        does = "does nothing" if idle == ["trainer"] else "do nothing"
        yield f"nothing is trained with lora=, so {listed(idle)} {does}: leave out {listed(idle)}"


def _stages(plan: RunPlan, jobs: Mapping[str, int], here: bool) -> Iterator[str]:
    if "normalize_dataset" in jobs:
        waiting = [one for one in plan.sets if not one.folder.exists()] or plan.sets
        pictures = sum(len(one.raw.pictures) for one in waiting)
        yield f"normalize {count(pictures, 'picture')}"
    if "dataset_page" in jobs and "train_lora" not in jobs:
        yield "look the set through"
    # It takes the bundled model's no time worth a word.
    large = plan.family is not BUNDLED and plan.config.train.device != "cuda"
    if "render_reference" in jobs and large and (seconds := autoencoding(plan)):
        took = f"{forecast.about(seconds)} on one core, seconds on a GPU"
        yield f"pass the training pictures through the base model ({took})"
    if "train_lora" in jobs:
        yield f"train {_training(plan, trained_on(plan.config, here))}"
    if cells := jobs.get("bench_image"):
        yield f"render {count(cells * plan.config.batch_size, 'picture')}"
    if steps := [step for step, rules in _EVALUATION.items() if set(rules) & set(jobs)]:
        yield f"{listed(steps)} the pictures"
    if plan.awaits_epochs:
        yield "then the same of the epochs that it keeps"


def _pictures(plan: RunPlan) -> int:
    return len(plan.raw.pictures) if plan.raw else 0


def _training(plan: RunPlan, device: str) -> str:
    """Return how long the training is, in steps or epochs and, where that is known, in time."""
    train = plan.config.train
    said = count(train.steps, "step") if train.steps else count(train.epochs or 0, "epoch")
    each = seconds_a_picture_trained(plan, device)
    if each is None and _bundled(plan) and train.device != "cuda":
        each = BUNDLED.trained_seconds
    return said + (f" ({forecast.about(each * pictures_trained(plan))})" if each else "")


def seconds_a_picture_trained(plan: RunPlan, device: str) -> float | None:
    """Return the time of a picture on this device, by runs beside this one; None without any."""
    if plan.record is None:
        return None
    return forecast.seconds_a_picture_trained(plan.paths.root.parent, plan.record, device)


def trained_on(config: Config, here: bool) -> str:
    """Return the device of a training, cpu or cuda: `here`, by what this machine has."""
    if config.train.device != "auto":
        return config.train.device
    seen = config.trainer == "embedded" and here  # others may run in a container elsewhere
    return "cuda" if not seen or any(map(Path.exists, _OF_GPUS)) else "cpu"


def pictures_trained(plan: RunPlan) -> int:
    """Return how many pictures the training takes, each time that it takes one."""
    train = plan.config.train
    in_steps = (train.steps or 0) * train.batch_size * train.gradient_accumulation
    return in_steps or (train.epochs or 0) * _pictures(plan) * len(plan.sets)


def autoencoding(plan: RunPlan) -> float:
    """Return the seconds of a core in which the training pictures pass through the autoencoder.

    Where none is read here, they are copied.
    """
    if not plan.autoencoder:
        return 0
    pixels = min(_pictures(plan), REFERENCES) * plan.config.preprocess.resolution**2
    return plan.family.autoencoder_seconds * pixels / 1e6


def picture_seconds(plan: RunPlan) -> float:
    """Return how long a usual GPU takes for a picture.

    No ComfyUI loads the bundled model: with one, the checkpoint is not that, and most likely an
    SD1.x.
    """
    unknown = plan.family is BUNDLED and not plan.embedded_server
    return (SD15 if unknown else plan.family).picture_seconds


def _drawing(plan: RunPlan, cells: int, at_once: int) -> float | None:
    """Return how many seconds `cells` take, with the server's start."""
    seconds = forecast.seconds_to_draw(plan.paths.root, cells, at_once)
    usual = plan.embedded_server and _bundled(plan) and not plan.config.bench.size
    if seconds is None and usual:
        return forecast.BUNDLED_START + BUNDLED.picture_seconds * cells * plan.config.batch_size
    return seconds


def _bundled(plan: RunPlan) -> bool:
    return plan.config.base_model == BUNDLED_BASE
