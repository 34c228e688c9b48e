"""What the prompts of a sweep are called where people look at them, and in which order."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from lorabench.bench.variants import Variant, probe_of
from lorabench.errors import UserError
from lorabench.phrases import Language

_OWN = ("benchmark's prompt", "ベンチマークのプロンプト")
_ALONE = ("trigger words alone", "トリガーワードのみ")
_WITHOUT = ("{}, without trigger", "{}(トリガーなし)")
_FURTHER = "prompt-"


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


def label(variant: str, language: Language = "en") -> str:
    """Return a variant's name for people: that of its folder without its kind."""
    at = language == "ja"
    probe = probe_of(variant)
    if probe == "trigger":
        return _ALONE[at]
    of = variant.removesuffix(probe).removesuffix(".")
    name = of.removeprefix(_FURTHER) or _OWN[at]
    return _WITHOUT[at].format(name) if probe else name


def ordered(present: Iterable[str], listed: Sequence[Variant]) -> list[str]:
    """Return the variants in `present` in the order of `listed`; those it lacks follow by name."""
    places = {variant.name: place for place, variant in enumerate(listed)}
    return sorted(set(present), key=lambda name: (places.get(name, len(places)), name))
