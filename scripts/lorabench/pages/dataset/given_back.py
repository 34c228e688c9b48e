"""Some pictures of a set as the base model's autoencoder gives them back, and how much is left."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from lorabench.base import checkpoint
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.bench.measures import detail
from lorabench.dataset.facts import Pictured, SetFacts
from lorabench.sweep.pictures import evenly, open_rgb

MEASURED = 8
"""So many pictures say what the autoencoder does to a set."""
SLOW_MEASURED = 2
"""So many of them on a CPU, where a picture of 512 px takes a large autoencoder 40 s on a core."""
SQUARE = 256
"""px of the square with the most detail that stands for each of these: 10 s on a core."""


class Decoded(NamedTuple):
    """A picture, or a part of it, that went through the autoencoder."""

    picture: Image.Image
    image: Image.Image
    """What was given back."""
    share: float
    """The share of its detail that is left."""
    part: bool = False


def find(
    facts: SetFacts, folder: Path, base_model: Path, device: str, made: Path | None = None
) -> dict[str, Decoded]:
    """Return some pictures of the normalized set in `folder`, by their names in images/.

    They are those in `made`, which a run left, else made here: parts of a few where whole ones
    would take minutes.
    """
    images = folder / "images"
    known = [made / one.file for one in facts.pictures if made and (made / one.file).is_file()]
    if known:
        pairs = [(path.name, open_rgb(path)) for path in evenly(known, MEASURED)]
        return {name: _decoded(open_rgb(images / name), image) for name, image in pairs}
    from lorabench.base.model import load_autoencoder
    from lorabench.bench.measures import reference

    gpu = _has_gpu(device)
    slow = not gpu and checkpoint.inspect(base_model).family is not BUNDLED
    names = [one.file for one in evenly(facts.pictures, SLOW_MEASURED if slow else MEASURED)]
    pictures = [open_rgb(images / name) for name in names]
    boxes = [detail.densest(picture, SQUARE) if slow else None for picture in pictures]
    parts = [picture.crop(box) for picture, box in zip(pictures, boxes, strict=True)]
    autoencoder = load_autoencoder(base_model, "cuda" if gpu else "cpu")
    decoded = reference.given_back(parts, autoencoder)
    return dict(zip(names, map(_decoded, pictures, decoded, boxes), strict=True))


def _decoded(picture: Image.Image, image: Image.Image, box: detail.Box | None = None) -> Decoded:
    share = detail.given_back(picture, image, box)
    return Decoded(picture.crop(box), image, share, part=box is not None)


def share(one: Pictured, decoded: Mapping[str, Decoded]) -> float | None:
    """Return the share of a picture's detail that is left, None where it was not measured."""
    return decoded[one.file].share if one.file in decoded else None


def _has_gpu(device: str) -> bool:
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()
