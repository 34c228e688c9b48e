"""UniPC, the unified predictor-corrector of Zhao et al. (2023, https://arxiv.org/abs/2302.04867).

This is the data-prediction form with B(h) = h ("bh1") or exp(h) - 1 ("bh2"), up to third order and
of lower order at both ends, in the variance-preserving view: alpha = 1 / sqrt(1 + sigma^2),
x_vp = alpha * x.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Step, Walk

Scale = Callable[[Tensor], Tensor]
"""The paper's B, of the negated step in half log-SNR."""

LAST_SIGMA = 0.001
"""Replaces 0 at the end of the levels, because the method needs its logarithm."""


@dataclass(frozen=True)
class _Guess:
    """The model's clean guess at a level, with the level's half log-SNR."""

    clean: Tensor
    half_log_snr: Tensor


def uni_pc(walk: Walk, x: Tensor) -> Tensor:
    """UniPC with "bh1". A single step only rescales `x`."""
    return _uni_pc(walk, x, lambda h: h)


def uni_pc_bh2(walk: Walk, x: Tensor) -> Tensor:
    """UniPC with "bh2"."""
    return _uni_pc(walk, x, torch.expm1)


def _uni_pc(walk: Walk, x: Tensor, scale: Scale) -> Tensor:
    levels = walk.levels.clone()
    if levels[-1] == 0:
        levels[-1] = LAST_SIGMA
    steps = len(levels) - 1
    full_order = min(3, steps - 1)
    x = x * _alpha(levels[0])
    history: list[_Guess] = []

    def clean(x: Tensor, i: int) -> Tensor:
        """Return the guess at level `i`, and report and remember it."""
        guess = walk.guess(x / _alpha(levels[i]), Step(i, levels[i], levels[i + 1]))
        history.append(_Guess(guess, _half_log_snr(levels[i])))
        return guess

    clean(x, 0)
    for i in range(1, steps + 1 if steps > 1 else 1):
        known = history[-min(i, full_order, steps + 1 - i) :]
        predicted = _step(x, levels[i - 1], levels[i], known, None, scale)
        if i == steps:
            return predicted / _alpha(levels[i])
        x = _step(x, levels[i - 1], levels[i], known, clean(predicted, i), scale)
    return x / _alpha(levels[-1])


def _step(
    x: Tensor,
    sigma: Tensor,
    lower: Tensor,
    history: list[_Guess],
    clean: Tensor | None,
    scale: Scale,
) -> Tensor:
    """Return `x` (variance preserving) one level down.

    `history` holds the order's last guesses, newest last; with `clean`, the guess at the lower
    level itself, this is the corrector, without it the predictor.
    """
    now = history[-1]
    h = _half_log_snr(lower) - now.half_log_snr
    alpha = _alpha(lower)
    base = (_noise_share(lower) / _noise_share(sigma)) * x - alpha * torch.expm1(-h) * now.clean

    older = history[-2::-1]
    ratios = [(guess.half_log_snr - now.half_log_snr) / h for guess in older]
    slopes = [(guess.clean - now.clean) / r for guess, r in zip(older, ratios, strict=True)]
    if clean is not None:
        ratios.append(torch.ones_like(h))
        slopes.append(clean - now.clean)
    weights = _weights(h, ratios, scale)
    correction = sum((w * d for w, d in zip(weights, slopes, strict=True)), torch.zeros_like(x))
    return base - alpha * scale(-h) * correction


def _weights(h: Tensor, ratios: list[Tensor], scale: Scale) -> Tensor:
    """Solve for the weights of the slopes at `ratios` (equation 9 of the paper, negated h).

    With one slope the paper's own simplification is one half.
    """
    count = len(ratios)
    if count == 0:
        return torch.empty(0)
    if count == 1:
        return torch.tensor([0.5], device=h.device)
    hh = -h
    phi, factorial, right = torch.expm1(hh) / hh - 1, 1.0, []
    for k in range(1, count + 1):
        right.append(phi * factorial / scale(hh))
        factorial *= k + 1
        phi = phi / hh - 1 / factorial
    nodes = torch.stack(ratios)
    matrix = torch.stack([nodes**k for k in range(count)])
    return torch.linalg.solve(matrix, torch.stack(right))


def _log_alpha(sigma: Tensor) -> Tensor:
    return -0.5 * (sigma**2 + 1).log()


def _alpha(sigma: Tensor) -> Tensor:
    return _log_alpha(sigma).exp()


def _noise_share(sigma: Tensor) -> Tensor:
    return (1 - (2 * _log_alpha(sigma)).exp()).sqrt()


def _half_log_snr(sigma: Tensor) -> Tensor:
    """Return log(alpha / noise share): -log(sigma), but with the rounding that ComfyUI has.

    Near the end, where 1 - alpha^2 has lost its digits in float32, that shows in the picture.
    """
    return _log_alpha(sigma) - 0.5 * (1 - (2 * _log_alpha(sigma)).exp()).log()
