"""What the calibration half shows of each limit of the verdict, as a table to set it by."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.known_answers.recipe import CHARACTERS, Recipe
from benchmarks.known_answers.recipes import RECIPES
from lorabench.bench.verdicts import judging, summary
from lorabench.settings.layers import OF_PROFILE
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.variants import FULL_STRENGTH


class Limit(NamedTuple):
    """A limit, the column of summary.csv that it is of, and the label that it tells."""

    setting: str
    column: str
    label: str
    highest: bool
    """Whether good LoRAs lie below it."""
    profile: str = ""
    """The profile that it is for, where the other has its own."""


LIMITS = (
    Limit("style", "style_gained", "weak", highest=False),
    Limit("change", "change", "weak", highest=False),
    Limit("outside", "outside", "fried", highest=True),
    Limit("beside", "style_beside", "fried", highest=True),
    Limit("prompt_kept", "prompt_kept", "fried", highest=False, profile="style"),
    Limit("prompt_kept", "prompt_kept", "fried", highest=False, profile="char"),
    Limit("structure", "structure", "fried", highest=False),
    Limit("prompts_apart", "prompts_apart", "fried", highest=False),
    Limit("copy_similarity", "trigger_similarity", "copies", highest=True),
)


def of(profile: str) -> VerdictSettings:
    """Return the limits of the verdict for a profile."""
    return VerdictSettings(**OF_PROFILE.get(profile, {}).get("verdict", {}))


def profile(recipe: Recipe) -> str:
    """Return which profile a LoRA is trained with."""
    return "char" if recipe.training.pictures.taught in CHARACTERS else "style"


def table(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return Markdown: for each limit the nearest good LoRA, and the others from the nearest on.

    `tables` are those of `summary.read` by the LoRA's name. Good ones count by the weight to use,
    the others by the weight up to full strength that is least like a good one's; one limit that
    tells is enough, so that others need not.
    """
    lines = [
        "| `verdict.` | set to | good LoRAs, the nearest | the others, from the nearest |",
        "| --- | --- | --- | --- |",
    ]
    used = [recipe for recipe in RECIPES if not recipe.held_out and recipe.name in tables]
    rows = {recipe.name: _row(tables[recipe.name], profile(recipe)) for recipe in used}
    for limit in LIMITS:
        some = [one for one in used if limit.profile in ("", profile(one))]
        good = _values(some, rows, "works", limit, _at_the_weight_to_use)
        others = _values(some, rows, limit.label, limit, _farthest)
        if not good:
            continue
        nearest = max(good) if limit.highest else min(good)
        ordered = sorted(others, reverse=not limit.highest)  # the nearest first
        shown = ", ".join(f"{value:.2f}" for value in ordered)
        value = getattr(of(limit.profile), limit.setting)
        title = f"`{limit.setting}`" + (f", {limit.profile}" if limit.profile else "")
        lines.append(f"| {title} | {value:g} | {nearest:.2f} | {limit.label}: {shown} |")
    return "\n".join(lines) + "\n"


class _Row(NamedTuple):
    """A LoRA: its summary by weight, and the weight to use."""

    summary: pd.DataFrame
    weight: float | None


def _row(measured: pd.DataFrame, of_profile: str) -> _Row:
    found = summary.summarize(measured).set_index("weight")
    found["change"] = 1 - found["ssim"]
    return _Row(found, judging.judge(measured, of(of_profile)).weight)


def _values(
    recipes: list[Recipe],
    rows: Mapping[str, _Row],
    label: str,
    limit: Limit,
    value: Callable[[_Row, Limit], float],
) -> list[float]:
    found = (value(rows[recipe.name], limit) for recipe in recipes if recipe.label == label)
    return [one for one in found if not np.isnan(one)]


def _at_the_weight_to_use(row: _Row, limit: Limit) -> float:
    return float(row.summary[limit.column].loc[row.weight]) if row.weight else np.nan


def _farthest(row: _Row, limit: Limit) -> float:
    """Return the value that is hardest to tell from a good LoRA's, over the weights drawn.

    A LoRA is weak or fried at all of them; to copy, one is enough.
    """
    usual = [weight for weight in row.summary.index if 0 < weight <= FULL_STRENGTH]
    values = row.summary[limit.column].loc[usual]
    below = limit.highest and limit.label != "copies"
    return float(values.min() if below else values.max())
