"""Check before a training that sd-scripts takes the base model and the buckets."""

from lorabench.base.checkpoint import Checkpoint
from lorabench.base.families import PUBLIC
from lorabench.base.family import Kohya
from lorabench.errors import UserError
from lorabench.settings.models import PreprocessSettings


def of(base: Checkpoint) -> Kohya:
    """Return how sd-scripts trains on the base model; raises `UserError` if it cannot."""
    if base.family.kohya is None:
        yours = " or ".join(family.title for family in PUBLIC if family.kohya)
        raise UserError(
            f"base_model: {base.path} is not a full-size Stable Diffusion model, as trainer=kohya "
            f"needs. Set base_model to your {yours} checkpoint in config/config.yaml "
            "(base_model: /path/to/model.safetensors; snakemake takes it after --config, too), and "
            "try again; trainer=embedded trains on this one."
        )
    return base.family.kohya


def check_buckets(settings: PreprocessSettings, kohya: Kohya) -> None:
    """Raise `UserError` if sd-scripts would crop pictures of these buckets."""
    step = kohya.bucket_step
    if settings.bucket_step % step:
        raise UserError(
            f"preprocess.bucket_step: {settings.bucket_step}, but trainer=kohya crops pictures of "
            f"this base model to multiples of {step} px; allowed are {step}, {2 * step} and so on."
        )
