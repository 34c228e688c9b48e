"""What the base model should reach, and a table of what it did."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

Figures = Mapping[str, float]
"""Measured values by name: dB, seconds, and shares from 0 to 1; what was not measured is absent."""

STRENGTHS = (0.0, 0.4, 0.8, 1.0)
"""The weights that the style LoRA is tried at."""


class Goal(NamedTuple):
    """What one figure should be.

    `reached` takes the figure and all others; `needs` names those of the others that it reads.
    """

    text: str
    reached: Callable[[float, Figures], bool]
    needs: tuple[str, ...] = ()


def table(figures: Figures) -> str:
    """Return a Markdown table of each figure, its goal and what was reached; misses are marked."""
    rows = ["| figure | goal | reached |", "| --- | --- | --- |"]
    for key, (title, unit, goal) in ROWS.items():
        rows.append(f"| {title} | {goal.text} | {_reached(figures, key, unit, goal)} |")
    return "\n".join(rows) + "\n"


def _reached(figures: Figures, key: str, unit: str, goal: Goal) -> str:
    if not {key, *goal.needs} <= figures.keys():
        return "not measured"
    text = _write(figures[key], unit)
    return text if goal.reached(figures[key], figures) else f"{text}, **missed**"


def _write(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.2f} {unit}"


def _at_least(bound: float, unit: str) -> Goal:
    def reached(x: float, _: Figures) -> bool:
        return x >= _plain(bound, unit)

    return Goal(f"at least {bound:g} {unit}", reached)


def _at_most(bound: float, unit: str) -> Goal:
    def reached(x: float, _: Figures) -> bool:
        return x <= _plain(bound, unit)

    return Goal(f"at most {bound:g} {unit}", reached)


def _plain(bound: float, unit: str) -> float:
    return bound / 100 if unit == "%" else bound


def _near(other: str) -> Goal:
    def reached(x: float, figures: Figures) -> bool:
        return abs(x - figures[other]) <= 0.03 + 1e-9

    return Goal("within 3 points of the same without", reached, (other,))


def _between(low: str, high: str) -> Goal:
    def reached(x: float, figures: Figures) -> bool:
        return figures[low] < x < figures[high]

    return Goal("more than without the LoRA, less than at 0.8", reached, (low, high))


_UNKNOWN = "behind a word that it does not know"
ROWS: dict[str, tuple[str, str, Goal]] = {
    "psnr flat": ("autoencoder, PSNR, flat drawings", "dB", _at_least(30, "dB")),
    "psnr ponnyu": ("autoencoder, PSNR, `ponnyu` drawings", "dB", _at_least(30, "dB")),
    "psnr all": ("autoencoder, PSNR, drawings in all styles", "dB", _at_least(30, "dB")),
    "subject": ("subject right", "%", _at_least(95, "%")),
    "color": ("body color right", "%", _at_least(90, "%")),
    "background": ("background right", "%", _at_least(90, "%")),
    "subject unknown": (f"subject right {_UNKNOWN}", "%", _near("subject")),
    "color unknown": (f"body color right {_UNKNOWN}", "%", _near("color")),
    "background unknown": (f"background right {_UNKNOWN}", "%", _near("background")),
    "diversity": ("seeds differ, share of how fresh drawings do", "%", _at_least(70, "%")),
    "style 0.0": ("style LoRA at 0, judged `ponnyu`", "%", _at_most(3, "%")),
    "style 0.4": ("at 0.4, judged `ponnyu`", "%", _between("style 0.0", "style 0.8")),
    "style 0.8": ("at 0.8, judged `ponnyu`", "%", _at_least(80, "%")),
    "style 1.0": ("at 1.0, judged `ponnyu`", "%", _at_least(95, "%")),
    "style subject 0.8": ("at 0.8, subject right", "%", _at_least(90, "%")),
    "character": ("character LoRA at 0.8, judged `mofu`", "%", _at_least(80, "%")),
    "seconds a picture": ("one picture, 20 steps", "s", _at_most(1, "s")),
    "seconds of training": ("training the default style LoRA", "s", _at_most(120, "s")),
}
"""A figure's name -> its title, unit ("%" for shares) and goal, in the table's order."""
