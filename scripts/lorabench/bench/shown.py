"""What the prompts of a sweep are called where people look at them, and in which order."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from lorabench.bench.variants import Variant
from lorabench.errors import UserError

OWN = "workflow's prompt"
_FURTHER, _WITHOUT = "prompt-", ".untriggered"


def read(path: Path) -> list[Variant]:
    """Return the variants that a `sweep.yaml` lists, in the order to show.

    Raises:
        UserError: the file cannot be read, or lists none.
    """
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))["variants"]
        return [Variant(**entry) for entry in listed]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(f"--sweep {path}: not the record of a sweep ({error})") from None


def label(variant: str) -> str:
    """Return a variant's name for people: that of its folder without its kind."""
    if variant == "trigger":
        return "trigger words alone"
    if variant == "untriggered":
        return f"{OWN}, without trigger"
    name = variant.removeprefix(_FURTHER) or OWN
    if name.endswith(_WITHOUT):
        return f"{name.removesuffix(_WITHOUT)}, without trigger"
    return name


def ordered(present: Iterable[str], listed: Sequence[Variant]) -> list[str]:
    """Return the variants in `present` in the order of `listed`; those it lacks follow by name."""
    places = {variant.name: place for place, variant in enumerate(listed)}
    return sorted(set(present), key=lambda name: (places.get(name, len(places)), name))
