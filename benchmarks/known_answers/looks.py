"""What was seen on the grids of the suite's LoRAs, written down before any score: looks.yaml."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

FILE = Path(__file__).with_name("looks.yaml")
WORDS = ("weak", "good", "best", "gone", "alike", "fried", "copies")
"""What a weight can be: too little to see; good, or the best; the prompt's subject gone; one
picture for all prompts; colours or shapes destroyed; training pictures come back."""
_FULL_STRENGTH = 1.0


class Look(NamedTuple):
    """One LoRA by eye: a word for each weight, and a sentence."""

    weights: dict[float, str]
    seen: str

    @property
    def usable(self) -> list[float]:
        """The weights at which it is good."""
        return [weight for weight, word in self.weights.items() if word in ("good", "best")]

    @property
    def gone(self) -> list[float]:
        """The weights at which the subject is another, or the same for all prompts."""
        return [weight for weight, word in self.weights.items() if word in ("gone", "alike")]

    @property
    def best(self) -> list[float]:
        """The weights at which it is best."""
        return [weight for weight, word in self.weights.items() if word == "best"]

    @property
    def label(self) -> str:
        """What the verdict should say: it works if some weight up to full strength is good."""
        words = [word for weight, word in self.weights.items() if weight <= _FULL_STRENGTH]
        if "copies" in words:
            return "copies"
        if any(weight <= _FULL_STRENGTH for weight in self.usable):
            return "works"
        if any(word in ("gone", "alike") for word in words):
            return "lost"
        return "fried" if "fried" in words else "weak"


_NONE = Look({}, "")


@cache
def read() -> dict[str, Look]:
    """Return all looks by the LoRA's name."""
    entries = yaml.safe_load(FILE.read_text("utf-8")) or {}
    return {
        name: Look({float(w): word for w, word in entry["weights"].items()}, entry["seen"])
        for name, entry in entries.items()
    }


def best(name: str) -> list[float]:
    """Return the best weights of the LoRA `name`; none where nobody has looked."""
    return read().get(name, _NONE).best


def usable(name: str) -> list[float]:
    """Return the good weights of the LoRA `name`; none where nobody has looked."""
    return read().get(name, _NONE).usable


def gone(name: str) -> list[float]:
    """Return the weights at which the LoRA `name` loses the subject; none where nobody looked."""
    return read().get(name, _NONE).gone


def label(name: str) -> str | None:
    """Return what a look says of the LoRA `name`, None where nobody has looked."""
    found = read().get(name)
    return found.label if found else None
