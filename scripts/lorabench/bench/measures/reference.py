"""Encode and decode the training pictures, which is the best that the base model can render.

No LoRA can add what the autoencoder lacks. Compared with the originals, the missing sharpness would
look like a style that was not learnt.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lorabench.base.model import mean_latents
from lorabench.base.networks import AutoencoderKL, AutoencoderTiny
from lorabench.sweep.pictures import REFERENCES, evenly
from lorabench.sweep.variants import has


def chosen(paths: Sequence[Path], trigger: str) -> list[Path]:
    """Return `REFERENCES` of the training pictures, evenly spaced.

    Only pictures with the trigger words in their caption (.txt) count; without any, all do.
    """
    called = [path for path in paths if trigger and has(_caption(path), trigger)]
    return evenly(called or paths, REFERENCES)


def given_back(
    pictures: Iterable[Image.Image], autoencoder: AutoencoderKL | AutoencoderTiny
) -> Iterator[Image.Image]:
    """Yield each picture, encoded and decoded, in its own size, with sides of multiples of 8."""
    for picture in pictures:
        pixels = torch.from_numpy(np.array(picture, dtype=np.float32) / 127.5 - 1)
        decoded = _round_trip(pixels.permute(2, 0, 1)[None].to(autoencoder.device), autoencoder)
        values = ((decoded[0].permute(1, 2, 0).cpu().numpy() + 1) * 127.5).round().clip(0, 255)
        yield Image.fromarray(values.astype(np.uint8))


def _caption(path: Path) -> str:
    text = path.with_suffix(".txt")
    return text.read_text(encoding="utf-8") if text.exists() else ""


@torch.no_grad()
def _round_trip(pixels: torch.Tensor, autoencoder: AutoencoderKL | AutoencoderTiny) -> torch.Tensor:
    return autoencoder.decode(mean_latents(autoencoder, pixels)).sample
