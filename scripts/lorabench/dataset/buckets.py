"""Aspect buckets: the picture sizes that both trainers take as they are."""

import math
from dataclasses import dataclass
from functools import lru_cache

Size = tuple[int, int]


@dataclass(frozen=True)
class Fit:
    """How a picture is brought to its bucket: cut a box out of it, then scale the box.

    `crop` is left, top, width, height in whole pixels of the upright source; `scale` is the
    factor from source to result, above 1 where the picture is enlarged.
    """

    size: Size
    crop: tuple[int, int, int, int]
    scale: float


@lru_cache
def bucket_sizes(resolution: int, step: int, shortest: int, longest: int) -> tuple[Size, ...]:
    """Return the sizes of all buckets, as (width, height) in px, sorted.

    Every edge is a multiple of `step` from `shortest` to `longest`, and for its width each bucket
    has the greatest height that keeps its area within `resolution` squared. kohya's trainer makes
    the same list of the same four numbers, and a picture that has one of these sizes is neither
    resized nor cropped there. As there, limits that are no multiples of `step` are widened to one.

    >>> bucket_sizes(128, 64, 64, 256)
    ((64, 192), (64, 256), (128, 128), (192, 64), (256, 64))
    """
    shortest = max(step, shortest // step * step)
    longest = math.ceil(longest / step) * step
    area = resolution * resolution
    square = resolution // step * step
    sizes = {(square, square)}
    for width in range(shortest, longest + 1, step):
        height = min(longest, area // width // step * step)
        if height >= shortest:
            sizes |= {(width, height), (height, width)}
    return tuple(sorted(sizes))


def fit(width: int, height: int, sizes: tuple[Size, ...]) -> Fit:
    """Choose the bucket nearest in aspect and the centred crop that fills it.

    Nearest is measured on the logarithm of the aspect, which is the same as losing the least of
    the picture, and treats portrait and landscape alike. Of equals the largest bucket is taken.
    """
    aspect = width / height
    bucket = min(sizes, key=lambda s: (abs(math.log(s[0] / s[1] / aspect)), -s[0] * s[1], s))
    if width * bucket[1] > height * bucket[0]:
        crop = max(1, round(height * bucket[0] / bucket[1])), height
        scale = bucket[1] / height
    else:
        crop = width, max(1, round(width * bucket[1] / bucket[0]))
        scale = bucket[0] / width
    return Fit(bucket, ((width - crop[0]) // 2, (height - crop[1]) // 2, *crop), scale)
