"""What sd-scripts takes: known before anything is started."""

from lorabench.base.checkpoint import Checkpoint, Family
from lorabench.errors import UserError
from lorabench.settings.models import PreprocessSettings

PROGRAMS: dict[Family, str] = {"sd15": "train_network.py", "sdxl": "sdxl_train_network.py"}
BUCKET_STEPS: dict[Family, int] = {"sd15": 64, "sdxl": 32}
"""px; picture edges that are no multiples of it are cropped to one."""


def check_base(base: Checkpoint) -> None:
    """Raise `UserError` unless sd-scripts can train on the base model."""
    if base.family not in PROGRAMS:
        raise UserError(
            f"base_model: {base.path} is no full-size Stable Diffusion model, which trainer=kohya "
            "needs. Set base_model to your SD1.x or SDXL checkpoint in config/config.yaml "
            "(base_model: /path/to/model.safetensors; snakemake takes it after --config, too), and "
            "try again; trainer=embedded trains on this one."
        )


def check_buckets(settings: PreprocessSettings, family: Family) -> None:
    """Raise `UserError` unless sd-scripts takes pictures of these buckets as they are."""
    step = BUCKET_STEPS[family]
    if settings.bucket_step % step:
        raise UserError(
            f"preprocess.bucket_step: {settings.bucket_step}, but trainer=kohya crops pictures of "
            f"this base model to multiples of {step} px; allowed are {step}, {2 * step} and so on."
        )
