"""The networks' classes of diffusers and transformers, without packages that they do not need.

Both import SciPy and PEFT where they find them, for parts that have nothing to do with these
networks: that takes as long as importing PyTorch, each time a trainer or server starts.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def _absent(*packages: str) -> Generator[None]:
    """Let imports find none of these packages, unless they are imported already."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # pyrefly: ignore[no-matching-overload]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _absent("peft", "scipy"):
    from accelerate import init_empty_weights
    from diffusers.loaders.single_file_utils import (
        convert_ldm_clip_checkpoint,
        convert_ldm_unet_checkpoint,
        convert_ldm_vae_checkpoint,
        convert_open_clip_checkpoint,
    )
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
    from diffusers.models.transformers.transformer_2d import Transformer2DModel
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
    from diffusers.utils import logging as diffusers_logging
    from transformers import (
        CLIPTextConfig,
        CLIPTextModel,
        CLIPTextModelWithProjection,
        CLIPTokenizer,
    )
    from transformers.utils import logging as transformers_logging

# A bar over a second of loading, and warnings of a tiny autoencoder's own config, help nobody.
transformers_logging.disable_progress_bar()
diffusers_logging.set_verbosity_error()

__all__ = [
    "AutoencoderKL",
    "AutoencoderTiny",
    "CLIPTextConfig",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPTokenizer",
    "Transformer2DModel",
    "UNet2DConditionModel",
    "convert_ldm_clip_checkpoint",
    "convert_ldm_unet_checkpoint",
    "convert_ldm_vae_checkpoint",
    "convert_open_clip_checkpoint",
    "init_empty_weights",
    "rescale_zero_terminal_snr",
]
