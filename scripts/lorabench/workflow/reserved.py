"""What a job needs of a machine: a cluster reserves it, and ends a job that takes longer."""

from math import ceil
from pathlib import Path

from lorabench.run.plan import RunPlan
from lorabench.settings.models import Config
from lorabench.workflow import forecast
from lorabench.workflow.outlook import pictures_trained

_OF_GPUS = tuple(Path("/dev") / name for name in ("nvidiactl", "kfd", "dxg"))
"""What a machine with a GPU has for CUDA, for ROCm, and in WSL; torch is too slow to ask."""
_SLACK = 3
"""A job that is ended too early costs more than one that is over before its time."""
_ON_A_CPU = 50
"""About so many times a usual GPU's time takes a CPU of few cores."""
_CLIENT_MB = 500


def gpus(config: Config, here: bool) -> int:
    """Return how many GPUs a training takes: none that runs `here`, where there is none."""
    takes = config.train.device == "cuda" or config.trainer == "kohya"
    may = config.train.device == "auto" and (not here or any(map(Path.exists, _OF_GPUS)))
    return int(takes or may)


def training_mb(plan: RunPlan) -> int:
    """Return the memory of a training; without a GPU, a batch is in it, too."""
    train, model = plan.config.train, plan.family.memory_mb
    if train.device != "cpu":
        return model
    return ceil(model * (1 + train.batch_size * _size(plan) / 4))


def training_minutes(plan: RunPlan) -> int:
    """Return how long a training may take: by those like it, else by what is usual."""
    each = plan.record and forecast.seconds_a_picture_trained(plan.paths.root.parent, plan.record)
    if not each:
        usual = plan.family.trained_seconds * _size(plan)
        each = usual * (_ON_A_CPU if plan.config.train.device == "cpu" else 1)
    return ceil(_SLACK * each * pictures_trained(plan) / 60)


def cell_mb(plan: RunPlan) -> int:
    """Return the memory of a cell, with its server."""
    return plan.family.memory_mb if plan.embedded_server else _CLIENT_MB


def cell_threads(plan: RunPlan) -> int:
    """Return the processors of a cell, with its server."""
    return plan.config.bench.threads if plan.embedded_server else 1


def cell_minutes(plan: RunPlan) -> int:
    """Return how long a cell may take."""
    each = plan.family.picture_seconds * (_ON_A_CPU if plan.config.bench.device == "cpu" else 1)
    return ceil(_SLACK * each * plan.config.batch_size / 60)


def of_server(plan: RunPlan) -> dict[str, str]:
    """Return what the embedded server takes besides of a cluster's machine: a GPU, or nothing.

    As text, because numbers are added up over the cells of a job.
    """
    return {"gpu": "1"} if plan.embedded_server and plan.config.bench.device != "cpu" else {}


def _size(plan: RunPlan) -> float:
    """Return how large a picture is, of those that the family was made for."""
    return (plan.config.preprocess.resolution / plan.family.preset["preprocess"]["resolution"]) ** 2
