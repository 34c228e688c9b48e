"""Guiders: the model with its prompts, as the denoiser that a sampler walks with."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from lorabench.base import conditions
from lorabench.base.conditions import Text
from lorabench.comfy.embedded.prompts import Prompts
from lorabench.comfy.embedded.regions import Region, placed
from lorabench.errors import UserError

if TYPE_CHECKING:  # the engine brings diffusers with it
    from diffusers import UNet2DConditionModel

    from lorabench.comfy.embedded.conditioning import Conditioning
    from lorabench.comfy.embedded.engine import Model

Predict = Callable[[Sequence[list[Region] | None]], list[Tensor]]
"""Returns the clean guess for each prompt, and zeros for None."""
Guesses = tuple[Tensor, Tensor]
"""The guess under guidance, and that of the negative prompt."""


class Guider(Protocol):
    """The value of a GUIDER socket."""

    @property
    def model(self) -> "Model":
        """Return the model."""
        ...

    def prompts(self) -> list[Prompts]:
        """Return the prompts that it needs."""
        ...

    def mix(
        self, predict: Predict, prompts: list[list[Region]], x: Tensor, sigma: Tensor, both: bool
    ) -> Guesses:
        """Return the guesses for `x`; without `both`, what does not count is left out."""
        ...


@dataclass(frozen=True)
class CfgGuider:
    """Classifier-free guidance (Ho and Salimans 2022, https://arxiv.org/abs/2207.12598).

    Without a negative prompt, the guess is the prompt's own.
    """

    model: "Model"
    positive: Prompts
    negative: Prompts | None
    cfg: float = 1.0

    def prompts(self) -> list[Prompts]:
        """Return both, or the only one."""
        return [self.positive] if self.negative is None else [self.positive, self.negative]

    def mix(
        self, predict: Predict, prompts: list[list[Region]], x: Tensor, sigma: Tensor, both: bool
    ) -> Guesses:
        """Go `cfg` of the way from the negative prompt's guess to the other."""
        alone = len(prompts) == 1 or (math.isclose(self.cfg, 1.0) and not both)
        following, without = predict([prompts[0], None if alone else prompts[1]])
        return _cfg(following, without, self.cfg, x, sigma, self.model.rescale), without


@dataclass(frozen=True)
class DualGuider:
    """Guidance from a negative prompt to a second and from there to a first (InstructPix2Pix).

    See Brooks et al. (2022, https://arxiv.org/abs/2211.09800). `nested` guides from the second to
    the first, and from the negative to the result.
    """

    model: "Model"
    first: Prompts
    second: Prompts
    negative: Prompts
    cfg_first: float
    cfg_second: float
    nested: bool = False

    def prompts(self) -> list[Prompts]:
        """Return all three."""
        return [self.first, self.second, self.negative]

    def mix(
        self, predict: Predict, prompts: list[list[Region]], x: Tensor, sigma: Tensor, both: bool
    ) -> Guesses:
        """Add the ways; what a factor of 1 leaves out is not guessed."""
        first, second, negative = prompts
        rescale = self.model.rescale
        if self.nested:
            one, two, none = predict([first, second, negative])
            inner = _cfg(one, two, self.cfg_first, x, sigma, rescale)
            return none + self.cfg_second * (inner - none), two
        no_negative = math.isclose(self.cfg_second, 1.0) and not both
        no_second = no_negative and math.isclose(self.cfg_first, 1.0)
        wanted = [first, None if no_second else second, None if no_negative else negative]
        one, two, none = predict(wanted)
        outer = _cfg(two, none, self.cfg_second, x, sigma, rescale)
        return outer + (one - two) * self.cfg_first, none


def _cfg(
    following: Tensor,
    without: Tensor,
    cfg: float,
    x: Tensor,
    sigma: Tensor,
    rescale: float | None,
) -> Tensor:
    """Return the guided guess; `rescale` brings its spread, as velocity, back to the prompt's.

    See Lin et al. (2023, https://arxiv.org/abs/2305.08891), section 3.4.
    """
    if rescale is None:
        return without + (following - without) * cfg
    base, factor = x / (sigma**2 + 1), (sigma**2 + 1) ** 0.5 / sigma
    own, other = (base - following) * factor, (base - without) * factor
    guided = other + cfg * (own - other)
    ratio = own.std(dim=(1, 2, 3), keepdim=True) / guided.std(dim=(1, 2, 3), keepdim=True)
    return base - (rescale * guided * ratio + (1 - rescale) * guided) / factor


@dataclass(frozen=True)
class Kept:
    """What a sampler keeps: `latents`, where `mask` is 0; there `x` gets them with `noise`."""

    mask: Tensor
    latents: Tensor
    noise: Tensor


class GuidedModel:
    """A guider as a denoiser (`samplers.walk.Denoiser`) of latents like `x`."""

    def __init__(self, guider: Guider, x: Tensor, kept: Kept | None) -> None:
        """Place the prompts on the picture, and merge the LoRAs."""
        self._guider = guider
        self._prompts = placed(guider.prompts(), x, guider.model.sampling.schedule)
        self._kept = kept
        self._unet = guider.model.unet()
        self._tensors: dict[tuple[Region, ...], dict[str, Any]] = {}

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the guess under guidance."""
        return self._guesses(x, sigma, both=False)[0]

    def both(self, x: Tensor, sigma: Tensor) -> Guesses:
        """Return the guess under guidance, and that of the negative prompt."""
        return self._guesses(x, sigma, both=True)

    def _guesses(self, x: Tensor, sigma: Tensor, *, both: bool) -> Guesses:
        kept = self._kept
        if kept is not None:
            noisy = kept.latents + kept.noise * sigma
            x = x * kept.mask + noisy * (1 - kept.mask)

        def predict(prompts: Sequence[list[Region] | None]) -> list[Tensor]:
            return self._predict(prompts, x, sigma)

        guided, without = self._guider.mix(predict, self._prompts, x, sigma, both)
        if kept is not None:
            guided = guided * kept.mask + kept.latents * (1 - kept.mask)
        return guided, without

    def _predict(
        self, prompts: Sequence[list[Region] | None], x: Tensor, sigma: Tensor
    ) -> list[Tensor]:
        """Return the weighted mean of the guesses for each prompt's regions.

        Where no text counts, the guess is 0.
        """
        sums = [torch.zeros_like(x) for _ in prompts]
        totals = [torch.full_like(x, 1e-37) for _ in prompts]
        level = float(sigma)
        counting = [
            (i, region)
            for i, regions in enumerate(prompts)
            for region in regions or ()
            if region.counts(level)
        ]
        for group in _alike(counting, x):
            guesses = self._clean([region for _, region in group], x, sigma)
            for (i, region), guess in zip(group, guesses, strict=True):
                weights = region.weights(x)
                region.cut(sums[i]).add_(guess * weights)
                region.cut(totals[i]).add_(weights)
        return [part / total for part, total in zip(sums, totals, strict=True)]

    def _clean(self, regions: list[Region], x: Tensor, sigma: Tensor) -> Sequence[Tensor]:
        """Return the UNet's clean guess for each region; they have one size and length of text."""
        sampling = self._guider.model.sampling
        parts = torch.cat([region.cut(x) for region in regions])
        timestep = sampling.schedule.timestep(sigma.reshape(1)).float().expand(len(parts))
        scaled = sampling.scaled(parts, sigma).to(self._unet.dtype)
        output = self._unet(scaled, timestep, **self._told(regions, x)).sample.float()
        return sampling.clean(parts, output, sigma).chunk(len(regions))

    def _told(self, regions: list[Region], x: Tensor) -> dict[str, Any]:
        """Return what the UNet is told about the regions of `x`: the same tensors in each step.

        Some layers keep what they compute on a text (text_layers.py).
        """
        key = tuple(regions)
        if key not in self._tensors:
            texts = [_text(region.told, self._unet) for region in regions for _ in x]
            whole = conditions.sizes_of(x)
            sizes = [region.told.sizes or whole for region in regions for _ in x]
            joined = conditions.joined(texts).to(x.device)
            self._tensors[key] = conditions.told(joined, sizes)
        return self._tensors[key]


def _text(told: "Conditioning", unet: "UNet2DConditionModel") -> Text:
    """Return the text in the UNet's precision; raises `UserError` if it is another model's."""
    if (told.pooled is None) != (unet.config.addition_embed_type is None):
        raise UserError(
            "the prompt was encoded by the CLIP of another family than the sampler's model; link "
            "both to one checkpoint"
        )
    pooled = None if told.pooled is None else told.pooled.to(unet.dtype)
    return Text(told.features.to(unet.dtype), pooled)


def _alike(counting: Sequence[tuple[int, Region]], x: Tensor) -> list[list[tuple[int, Region]]]:
    """Return groups that the UNet can take at once."""
    groups: dict[tuple[torch.Size, torch.Size], list[tuple[int, Region]]] = {}
    for i, region in reversed(counting):  # the negative prompt first
        groups.setdefault((region.cut(x).shape, region.told.features.shape), []).append((i, region))
    return list(groups.values())
