"""What a job needs of a machine: a cluster reserves it, and ends a job that takes longer."""

from math import ceil

from lorabench.run.plan import RunPlan
from lorabench.settings.models import Config
from lorabench.workflow import outlook

_SLACK = 3
"""A job that is ended too early costs more than one that is over before its time."""
_USUAL_MINUTES = 60
"""What the profiles ask for where a rule says nothing."""
_CLIENT_MB = 500


def gpus(config: Config, here: bool) -> int | None:
    """Return how many GPUs a training takes, or None; one that runs `here`, by what there is.

    With 0, a pod would be let onto the nodes that are kept for GPUs.
    """
    return 1 if outlook.trained_on(config, here) == "cuda" else None


def training_mb(plan: RunPlan) -> int:
    """Return the memory of a training; without a GPU, a batch is in it, too."""
    train, model = plan.config.train, plan.family.memory_mb
    if train.device != "cpu":
        return model
    return ceil(model * (1 + train.batch_size * _size(plan) / 4))


def training_minutes(plan: RunPlan) -> int:
    """Return how long a training may take: by those like it, else by what is usual."""
    device = outlook.trained_on(plan.config, here=False)
    each = outlook.seconds_a_picture_trained(plan, device)
    if not each:
        usual = plan.family.trained_seconds * _size(plan)
        each = usual * (plan.family.on_a_cpu if device == "cpu" else 1)
    return ceil(_SLACK * each * outlook.pictures_trained(plan) / 60)


def reference_gpus(plan: RunPlan, here: bool) -> int | None:
    """Return how many GPUs the training pictures' way through the autoencoder takes."""
    return gpus(plan.config, here) if plan.autoencoder else None  # else they are copied


def reference_mb(plan: RunPlan) -> int:
    """Return the memory that this takes."""
    return plan.family.memory_mb if plan.autoencoder else _CLIENT_MB


def reference_minutes(plan: RunPlan) -> int:
    """Return how long the training pictures may take through the autoencoder."""
    on_a_cpu = outlook.trained_on(plan.config, here=False) == "cpu"
    minutes = ceil(_SLACK * outlook.autoencoding(plan) / 60) if on_a_cpu else 0
    return max(minutes, _USUAL_MINUTES)


def cell_mb(plan: RunPlan) -> int:
    """Return the memory of a cell, with its server."""
    return plan.family.memory_mb if plan.embedded_server else _CLIENT_MB


def cell_threads(plan: RunPlan) -> int:
    """Return the processors of a cell, with its server."""
    return plan.config.bench.threads if plan.embedded_server else 1


def cell_minutes(plan: RunPlan) -> int:
    """Return how long a cell may take."""
    on_a_cpu = plan.embedded_server and plan.config.bench.device == "cpu"
    each = outlook.picture_seconds(plan) * (plan.family.on_a_cpu if on_a_cpu else 1)
    return ceil(_SLACK * each * plan.config.batch_size / 60)


def of_server(plan: RunPlan) -> dict[str, str]:
    """Return what the embedded server takes besides of a cluster's machine: a GPU, or nothing.

    As text, because numbers are added up over the cells of a job.
    """
    return {"gpu": "1"} if plan.embedded_server and plan.config.bench.device != "cpu" else {}


def _size(plan: RunPlan) -> float:
    """Return how large a picture is, of those that the family was made for."""
    return (plan.config.preprocess.resolution / plan.family.preset["preprocess"]["resolution"]) ** 2
