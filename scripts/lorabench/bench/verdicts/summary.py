"""Summarize each weight in a row: means over prompts and seeds, with their intervals."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lorabench.bench.measures import rows
from lorabench.bench.measures.columns import LATER, LORA, METRICS, PLACE
from lorabench.errors import UserError
from lorabench.sweep.loras import SweptLora, holds

RESAMPLES = 2000
INTERVAL = 95
"""An interval holds this percentage of the resampled means."""
_TEXTS: tuple[Hashable, ...] = (LORA, "variant", "prompt", "probe", "file", "nearest", "hash")


@dataclass(frozen=True)
class Estimate:
    """A mean and the bounds of its interval."""

    mean: float
    low: float
    high: float


NOTHING = Estimate(np.nan, np.nan, np.nan)
"""Without data to estimate."""


def read(path: Path) -> pd.DataFrame:
    """Read the table that bench_metrics.py wrote; raise `UserError` for anything else."""
    rows.of_pictures(path)  # pandas takes texts and half lines
    table = pd.read_csv(
        path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(_TEXTS, str)
    )
    table = table.assign(**{name: np.nan for name in LATER if name not in table})
    columns = [*PLACE, *(metric.column for metric in METRICS)]
    if missing := [name for name in columns if name not in table.columns]:
        raise UserError(
            f"{path}: is not a table of bench_metrics.py: {len(missing)} of {len(columns)} columns "
            f"are missing, such as {missing[-1]}; delete it, and the same command measures the "
            "pictures again"
        )
    return table.fillna({name: "" for name in _TEXTS if name in table})


def of_lora(table: pd.DataFrame, lora: SweptLora) -> pd.DataFrame:
    """Return the rows of one of several LoRAs, and those without a LoRA that it shares.

    Of a run's only one, all are.
    """
    if LORA not in table:
        return table
    rows = [
        holds(lora, key, weight)
        for key, weight in zip(table[LORA], table["weight"], strict=True)
    ]  # fmt: skip
    return table[rows].drop(columns=LORA)


def by_lora(table: pd.DataFrame, loras: Sequence[SweptLora]) -> dict[str, pd.DataFrame]:
    """Return the rows of each of several LoRAs by key; of one alone, all of them."""
    return {one.key: of_lora(table, one) for one in loras} or {"": table}


def of_each(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of `summarize` of each LoRA by key, with their keys if there are several."""
    if list(tables) == [""]:
        return summarize(tables[""])
    each = [summarize(table).assign(**{LORA: key}) for key, table in tables.items()]
    rows = pd.concat(each, ignore_index=True)
    return rows[[LORA, *(name for name in rows if name != LORA)]]


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per weight: the numbers of pictures, and each metric's mean, low and high.

    Probes count only for what only they show. Pictures are resampled by `shares`.
    """
    asked = table[table["probe"] == ""]
    measured = [name for name in table.columns if _is_number(table[name]) and name not in PLACE]
    rows = []
    by_weight: Iterable[tuple[Any, pd.DataFrame]] = asked.groupby("weight")
    for weight, pictures in by_weight:
        row = {
            "weight": weight,
            "pictures": len(pictures),
            "prompts": pictures["variant"].nunique(),
            "seeds": pictures["seed"].nunique(),
        }
        for name in measured:
            row |= _columns(name, estimate(pictures[["variant", name]].dropna(), name))
        row |= _columns("diversity", diversity(table, float(weight)))
        row |= _columns("prompts_apart", prompts_apart(table, float(weight)))
        row |= _columns("trigger_similarity", trigger_similarity(table, float(weight)))
        row |= _columns("leak", leak(table, float(weight)))
        rows.append(row)
    return pd.DataFrame(rows)


def estimate(pictures: pd.DataFrame, column: str) -> Estimate:
    """Return the mean of a column over prompts, and its interval over prompts and seeds."""
    if pictures.empty:
        return NOTHING
    values = pictures[column].to_numpy(float)
    resampled = shares(pictures["variant"]) @ values
    mean = float(pictures.groupby("variant")[column].mean().mean())
    if len(values) == 1:
        return Estimate(mean, np.nan, np.nan)  # one picture gives no interval
    return Estimate(mean, *_interval(resampled))


def _interval(resampled: np.ndarray) -> tuple[float, float]:
    edge = (100 - INTERVAL) / 2
    low, high = np.percentile(resampled, (edge, 100 - edge))
    return float(low), float(high)


def shares(variants: pd.Series) -> np.ndarray:
    """Return the weight of each picture in each resample, [resamples, pictures]; rows sum to 1.

    Prompts are drawn with replacement, and so are the pictures of each prompt (a bootstrap of
    clusters and within them: Davison & Hinkley 1997, 3.8). Equal prompts and pictures give equal
    draws, so that resamples of two weights are paired.
    """
    return _shares(tuple(pd.factorize(variants)[0]))


@cache
def _shares(prompts: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    codes = np.array(prompts)
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    counts = np.zeros((RESAMPLES, len(codes)))
    for resample in counts:
        for prompt in rng.integers(0, len(members), len(members)):
            pictures = members[prompt]
            drawn = rng.integers(0, len(pictures), len(pictures))
            np.add.at(resample, pictures[drawn], 1 / len(pictures))
    return counts / len(members)


def diversity(table: pd.DataFrame, weight: float) -> Estimate:
    """Return the differences between a prompt's seeds at a weight, relative to weight 0.

    1 is as without the LoRA. Empty if no variant has two seeds.
    """
    return _unlike(table, weight, ["variant"])


def prompts_apart(table: pd.DataFrame, weight: float) -> Estimate:
    """Return the differences between prompts with one seed at a weight, relative to weight 0.

    1 is as without the LoRA; near 0, every prompt gives the same picture. Empty with one prompt.
    """
    return _unlike(table[table["probe"] == ""], weight, ["seed", "index"])


def _unlike(table: pd.DataFrame, weight: float, within: list[str]) -> Estimate:
    """Return how many bits the hashes of a group differ in, relative to weight 0.

    A group has the columns `within` in common. The interval is over prompts and seeds.
    """
    hashed = table[table["hash"] != ""].set_index(["variant", "seed", "index"])
    here, without = (hashed.loc[hashed["weight"] == at, "hash"] for at in (weight, 0.0))
    pictures = here.index.intersection(without.index)
    if pictures.empty:
        return NOTHING
    groups = pictures.to_frame(index=False).groupby(within).ngroup().to_numpy()
    same = groups[:, None] == groups
    apart, before = (_distances(hashes.loc[pictures]) * same for hashes in (here, without))
    if not before.any():
        return NOTHING
    counts = shares(pictures.get_level_values("variant").to_series())
    drawn = ((counts @ before) * counts).sum(axis=1)
    ratios = ((counts @ apart) * counts).sum(axis=1)[drawn > 0] / drawn[drawn > 0]
    return Estimate(float(apart.sum() / before.sum()), *_interval(ratios))


def _distances(hashes: pd.Series) -> np.ndarray:
    """Return in how many bits each two hexadecimal hashes differ, float64 [n, n]."""
    codes = np.array([list(bytes.fromhex(text)) for text in hashes], np.uint8)
    bits = np.unpackbits(codes, axis=1).astype(float)
    return bits @ (1 - bits.T) + (1 - bits) @ bits.T


def trigger_similarity(table: pd.DataFrame, weight: float) -> Estimate:
    """Return how similar the pictures of the trigger words alone are to a training picture."""
    alone = table[(table["probe"] == "trigger") & (table["weight"] == weight)]
    return estimate(alone[["variant", "copy_similarity"]].dropna(), "copy_similarity")


def leak(table: pd.DataFrame, weight: float) -> Estimate:
    """Return the style gained without the trigger words, relative to that with them, at a weight.

    Empty if no prompt was rendered without them, or no style was gained.
    """
    pairs = without_trigger(table)
    pairs = pairs[pairs["weight"] == weight]
    if not pairs["with"].mean() > 0:  # NaN without pairs
        return NOTHING
    counts = shares(pairs["prompt"])
    with_it, without = counts @ pairs["with"].to_numpy(), counts @ pairs["without"].to_numpy()
    share = float(pairs["without"].mean() / pairs["with"].mean())
    return Estimate(share, *_interval(without[with_it > 0] / with_it[with_it > 0]))


def without_trigger(table: pd.DataFrame) -> pd.DataFrame:
    """Return the style gained by prompts `with` and `without` their trigger words.

    Columns: prompt, weight, seed, index, with, without; weights above 0.
    """
    place = ["prompt", "weight", "seed", "index"]
    probed = table[(table["probe"] == "untriggered") & (table["weight"] != 0)]
    without = probed.rename(columns={"style_gained": "without"})
    asked = table[table["probe"] == ""].rename(columns={"style_gained": "with"})
    return without[[*place, "without"]].merge(asked[[*place, "with"]], on=place).dropna()


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
