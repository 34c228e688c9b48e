"""Measure how far a picture has moved from the base model's towards the training set."""

from dataclasses import dataclass

import numpy as np

_FLOOR = 1e-3
"""Limits the effect of a descriptor that never changes."""
_CHANCE = 2.0
"""A difference of so many standard errors, or less, does not count: the two sets show different
things, and what differs for that is no style. One of t errors counts by 1 - (2 / t)², as the
positive-part James-Stein estimator shrinks (Efron & Morris 1973)."""
_STEP = 1.0
"""How far from its own at weight 0, in spreads, a descriptor is where it counts as out of range: of
few pictures the range is narrow, and weight 0 itself has no wider one."""
_MARGIN = 0.15
"""The share of the range of training set and base that is added on both sides."""


@dataclass(frozen=True)
class Axis:
    """From the base model's pictures to the training set's, in `descriptors.describe` space.

    Each descriptor counts in units of its own spread within the two groups of pictures.
    """

    scale: np.ndarray
    direction: np.ndarray
    """The scaled difference of the two means, shrunk if it may be chance; its length is the
    distance to go."""
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def between(cls, base: np.ndarray, training: np.ndarray) -> "Axis":
        """Take the descriptors [pictures, descriptors] of weight 0 and of the training set."""
        scale = np.sqrt((base.var(axis=0) + training.var(axis=0)) / 2) + _FLOOR
        both = np.concatenate([base, training])
        low, high = both.min(axis=0), both.max(axis=0)
        room = _MARGIN * (high - low) + _FLOOR
        difference = training.mean(axis=0) - base.mean(axis=0)
        error = np.sqrt(base.var(axis=0) / len(base) + training.var(axis=0) / len(training))
        direction = difference / scale * _reliable(difference, error)
        return cls(scale, direction, low - room, high + room)

    def gained(self, shift: np.ndarray) -> float:
        """Return the share of the way that `shift` goes; 1 is the training set's mean.

        `shift`, the difference of descriptors between a picture and its own at weight 0, is
        projected on the axis. If the two groups are close, a short way may be chance, so it counts
        less, by the same rule as for each descriptor.
        """
        return self._along(shift) * float(_reliable(self.length, 1.0))

    def beside(self, shift: np.ndarray) -> float:
        """Return the length of `shift` beside the axis, in spreads of a descriptor."""
        return float(np.linalg.norm(shift / self.scale - self._along(shift) * self.direction))

    def outside(self, descriptors: np.ndarray, shift: np.ndarray | None = None) -> float:
        """Return the share of descriptors that neither the base nor the training set comes near.

        With the `shift` from the picture's own at weight 0, only those count that it moves.
        """
        out = (descriptors < self.low) | (descriptors > self.high)
        if shift is not None:
            out &= np.abs(shift) > _STEP * self.scale
        return float(out.mean())

    @property
    def length(self) -> float:
        """The distance to go, in spreads of a descriptor."""
        return float(np.linalg.norm(self.direction))

    def _along(self, shift: np.ndarray) -> float:
        return float(shift / self.scale @ self.direction) / max(self.length**2, 1e-9)


def _reliable(difference: np.ndarray | float, error: np.ndarray | float) -> np.ndarray:
    """Return the share of a difference that is not chance, 0 to 1."""
    errors = _CHANCE * error / np.maximum(np.abs(difference), _FLOOR**2)
    return np.maximum(1 - errors**2, 0)
