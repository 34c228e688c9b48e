"""Pictures from an exported model, with its own scheduler, steps and guidance.

What is rendered is kept, so that an evaluation that was killed goes on where it stopped.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from base_model.inputs import present
from base_model.networks import PIXELS
from lorabench import cli, files
from lorabench.digests import Digests, digest, model_digest

STEPS = 20
GUIDANCE = 1.5
"""Of the bundled benchmark too; so small a model needs little, and more of it moves pictures away
from what a LoRA has learnt."""
_BATCH = 8


class Renderer:
    """A model in single precision on the CPU."""

    def __init__(self, model: Path, threads: int, kept: Path | None = None) -> None:
        """Load the diffusers folder `model`; torch gets `threads` threads.

        Pictures are kept in the folder `kept`, if there is one, by all that they depend on.

        Raises:
            UserError: there is no model.
        """
        present(model / "model_index.json", "an exported model")
        torch.set_num_threads(threads)
        self._kept = kept
        self._made_by = [model_digest(model, Digests(model / "none")), threads, STEPS, GUIDANCE]
        self._lora: list[str | float] = []
        self._pipeline = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32)
        self._pipeline.set_progress_bar_config(disable=True)
        self.vae = self._pipeline.vae

    def render(
        self, prompts: Sequence[str], seeds: Sequence[int], doing: str | None = None
    ) -> torch.Tensor:
        """Return a picture per prompt and seed, as uint8 [n, 3, PIXELS, PIXELS].

        A bar is shown if it gets a name in `doing`.
        """
        parts = []
        with cli.bar(total=len(prompts), desc=doing, unit="picture", disable=not doing) as bar:
            for start in range(0, len(prompts), _BATCH):
                part = slice(start, start + _BATCH)
                parts.append(self._remembered(list(prompts[part]), list(seeds[part])))
                bar.update(len(parts[-1]))
        return torch.cat(parts)

    @contextmanager
    def lora(self, path: Path) -> Generator[None]:
        """Load the LoRA in `path`, and take it out again at the end; `strength` says how much."""
        self._pipeline.load_lora_weights(str(path), adapter_name="lora")
        self._lora = [files.sha256(path), 1.0]
        try:
            yield
        finally:
            self._pipeline.unload_lora_weights()
            self._lora = []

    def strength(self, weight: float) -> None:
        """Set the loaded LoRA's strength; 0 is the base model."""
        self._pipeline.set_adapters("lora", weight)
        self._lora[1] = weight

    def _remembered(self, prompts: list[str], seeds: list[int]) -> torch.Tensor:
        if self._kept is None:
            return self.draw(prompts, seeds)
        path = self._kept / f"{digest([*self._made_by, self._lora, prompts, seeds])}.npy"
        if not path.exists():
            with files.publish(path) as temporary, temporary.open("wb") as file:
                np.save(file, self.draw(prompts, seeds).numpy())
        return torch.from_numpy(np.load(path))

    def draw(self, prompts: list[str], seeds: Sequence[int]) -> torch.Tensor:
        """Return a picture per prompt and seed as `render` does, as one batch, drawn anew."""
        floats = self._pipeline(
            prompts,
            width=PIXELS,
            height=PIXELS,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="np",
        ).images
        return torch.from_numpy((floats * 255).round().astype(np.uint8)).permute(0, 3, 1, 2)


def as_images(pictures: torch.Tensor) -> list[Image.Image]:
    """Return uint8 `pictures` [n, 3, h, w] as Pillow's."""
    return [Image.fromarray(picture.permute(1, 2, 0).numpy()) for picture in pictures]
