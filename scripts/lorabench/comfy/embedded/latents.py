"""The value of a LATENT socket, and what its nodes do with it before and after sampling."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lorabench.base.conditions import PIXELS
from lorabench.comfy.embedded.resizing import repeated


@dataclass(frozen=True)
class Latent:
    """Latents, float32 [batch, channels, height / 8, width / 8], not scaled for the UNet.

    `mask`, float32 [masks, 1, height, width] of any size, is 1 where a sampler may draw and 0 where
    it keeps the latents. `places` are the numbers of the latents in the batch that they were taken
    from, so that each gets the same noise alone.
    """

    samples: Tensor
    mask: Tensor | None = None
    places: tuple[int, ...] | None = None

    def noise(self, seed: int) -> Tensor:
        """Return the seed's Gaussian noise for these latents, always drawn on the CPU."""
        generator = torch.Generator().manual_seed(seed)
        if self.places is None:
            return torch.randn(self.samples.shape, generator=generator)
        one = (1, *self.samples.shape[1:])
        drawn = [torch.randn(one, generator=generator) for _ in range(max(self.places) + 1)]
        return torch.cat([drawn[place] for place in self.places])

    def mask_like(self, latents: Tensor) -> Tensor | None:
        """Return the mask in the size and number of `latents`."""
        if self.mask is None:
            return None
        scaled = torch.nn.functional.interpolate(self.mask, size=latents.shape[2:], mode="bilinear")
        return repeated(scaled, len(latents)).expand_as(latents).to(latents.device)


def taken(latent: Latent, first: int, length: int) -> Latent:
    """Return `length` latents of a batch from number `first` (counted from the end if negative)."""
    count = len(latent.samples)
    first = min(max(first + count if first < 0 else first, 0), count - 1)
    part = slice(first, min(first + length, count))
    mask = latent.mask
    if mask is not None and len(mask) > 1:
        mask = repeated(mask, max(count, len(mask)))[part]
    places = tuple(range(count)) if latent.places is None else latent.places
    return Latent(latent.samples[part].clone(), mask, places[part])


def many(latent: Latent, amount: int) -> Latent:
    """Return a batch `amount` times over; each copy gets other noise."""
    samples = latent.samples.repeat(amount, 1, 1, 1)
    mask = latent.mask
    if mask is not None and len(mask) > 1:
        mask = mask.repeat(amount, 1, 1, 1)
    places = latent.places
    if places is not None:
        width = max(places) - min(places) + 1
        places = tuple(place + i * width for i in range(amount) for place in places)
    return Latent(samples, mask, places)


def pasted(onto: Tensor, piece: Tensor, x: int, y: int, feather: int) -> Tensor:
    """Return `onto` with `piece` at (x, y), and `feather` latents of its inner edges blended in."""
    piece = piece[:, :, : onto.shape[2] - y, : onto.shape[3] - x]
    height, width = piece.shape[2:]
    weight = torch.ones_like(piece)
    for t in range(min(feather, height, width)):
        fade = (t + 1) / feather
        if y != 0:
            weight[:, :, t] *= fade
        if y + height < onto.shape[2]:
            weight[:, :, height - 1 - t] *= fade
        if x != 0:
            weight[..., t] *= fade
        if x + width < onto.shape[3]:
            weight[..., width - 1 - t] *= fade
    result = onto.clone()
    place = result[:, :, y : y + height, x : x + width]
    place[:] = piece * weight + place * (1 - weight)
    return result


def cropped(samples: Tensor, width: int, height: int, x: int, y: int) -> Tensor:
    """Return the part of a size at (x, y), all in latents; at least 8 by 8 of it lie inside."""
    x, y = min(x, samples.shape[3] - 8), min(y, samples.shape[2] - 8)
    return samples[:, :, y : y + height, x : x + width]


def side(given: int, other: int, own: int, others: int) -> int:
    """Return a side in px for LatentUpscale: at least 64, and 0 keeps the picture's shape.

    `other` is the given other side; `own` and `others` are both sides of the latents.
    """
    return max(64, given or round(own * max(64, other) / others))


def whole(pictures: Tensor) -> Tensor:
    """Return pictures [N, h, w, …] without what fills no latent, half of it from each side."""
    for axis in (1, 2):
        over = pictures.shape[axis] % PIXELS
        pictures = pictures.narrow(axis, over // 2, pictures.shape[axis] - over)
    return pictures


def inpainting(pixels: Tensor, mask: Tensor, grow: int) -> tuple[Tensor, Tensor]:
    """Return whole pictures [N, h, w, 3] grey where `mask` is, and the mask grown by `grow` px.

    The mask, [M, h, w] of any size, gets the pictures' size.
    """
    scaled = torch.nn.functional.interpolate(mask[:, None], pixels.shape[1:3], mode="bilinear")
    mask, pixels = whole(scaled[:, 0]).round(), whole(pixels[..., :3])
    grey = (pixels - 0.5) * (1 - mask[..., None]) + 0.5
    height, width = mask.shape[1:]
    grown = mask[:, None]
    if grow > 0:
        kernel, padding = torch.ones(1, 1, grow, grow), math.ceil((grow - 1) / 2)
        grown = torch.nn.functional.conv2d(grown, kernel, padding=padding).clamp(0, 1)
    return grey, grown[:, :, :height, :width].round()
