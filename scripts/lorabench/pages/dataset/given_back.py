"""Some pictures of a set as the base model's autoencoder gives them back, and how much is left."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from lorabench.base import checkpoint
from lorabench.base.families import BUNDLED
from lorabench.bench.measures import detail
from lorabench.dataset.facts import Pictured, SetFacts
from lorabench.sweep.pictures import evenly, open_rgb

MEASURED = 8
"""So many pictures say what the autoencoder does to a set."""


class Decoded(NamedTuple):
    """A picture that went through the autoencoder."""

    image: Image.Image
    share: float
    """The share of its detail that is left."""


def find(
    facts: SetFacts, folder: Path, base_model: Path, device: str, made: Path | None = None
) -> dict[str, Decoded]:
    """Return some pictures of the normalized set in `folder`, by their names in images/.

    They are those in `made`, which a run left, else made here where that takes seconds: with the
    bundled model, or on a GPU.
    """
    known = [made / one.file for one in facts.pictures if made and (made / one.file).is_file()]
    if known:
        some = evenly(known, MEASURED)
        return _measured([folder / "images" / path.name for path in some], map(open_rgb, some))
    if checkpoint.inspect(base_model).family is not BUNDLED and not _has_gpu(device):
        return {}
    from lorabench.base.model import load_autoencoder, usable_device
    from lorabench.bench.measures import reference

    autoencoder = load_autoencoder(base_model, usable_device(device))
    paths = [folder / "images" / one.file for one in evenly(facts.pictures, MEASURED)]
    return _measured(paths, reference.given_back(paths, autoencoder))


def _measured(paths: Sequence[Path], images: Iterable[Image.Image]) -> dict[str, Decoded]:
    return {
        path.name: Decoded(image, detail.given_back(open_rgb(path), image))
        for path, image in zip(paths, images, strict=True)
    }


def share(one: Pictured, decoded: Mapping[str, Decoded]) -> float | None:
    """Return the share of a picture's detail that is left, None where it was not measured."""
    return decoded[one.file].share if one.file in decoded else None


def _has_gpu(device: str) -> bool:
    if device == "cpu":
        return False
    import torch

    return torch.cuda.is_available()
