"""A row per weight: means over prompts and seeds, with the interval that so few pictures leave."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd

from lorabench.bench.measures.columns import METRICS, PLACE
from lorabench.errors import UserError

RESAMPLES = 2000
INTERVAL = 95
"""Percent of the resampled means that an interval holds."""
_TEXTS = ["variant", "probe", "file", "nearest", "hash"]


@dataclass(frozen=True)
class Estimate:
    """A mean and the bounds of its interval."""

    mean: float
    low: float
    high: float


def read(path: Path) -> pd.DataFrame:
    """Read the table that bench_metrics.py wrote; raise `UserError` for anything else."""
    try:
        table = pd.read_csv(
            path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(_TEXTS, str)
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    if missing := {*PLACE, *(metric.column for metric in METRICS)}.difference(table.columns):
        raise UserError(
            f"{path}: has no column {', '.join(sorted(missing))}; it should be what "
            "bench_metrics.py writes: measure the pictures again"
        )
    if table.empty:
        raise UserError(f"{path}: has no rows")
    return table.fillna(dict.fromkeys(_TEXTS, ""))


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per weight: how many pictures, and of each metric mean, low and high.

    Probes do not count. Pictures are resampled as `shares` says.
    """
    asked = table[table["probe"] == ""]
    measured = [name for name in table.columns if _is_number(table[name]) and name not in PLACE]
    rows = []
    for weight, pictures in asked.groupby("weight"):
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
        rows.append(row)
    return pd.DataFrame(rows)


def estimate(pictures: pd.DataFrame, column: str) -> Estimate:
    """Return the mean of a column over prompts, and its interval over prompts and seeds."""
    if pictures.empty:
        return Estimate(np.nan, np.nan, np.nan)
    values = pictures[column].to_numpy(float)
    resampled = shares(pictures["variant"]) @ values
    mean = float(pictures.groupby("variant")[column].mean().mean())
    if len(values) == 1:
        return Estimate(mean, np.nan, np.nan)  # one picture says nothing about others
    edge = (100 - INTERVAL) / 2
    low, high = np.percentile(resampled, (edge, 100 - edge))
    return Estimate(mean, float(low), float(high))


def shares(variants: pd.Series) -> np.ndarray:
    """Return how much each picture counts in each resample, [resamples, pictures]; rows sum to 1.

    Prompts are drawn with replacement, and of each the pictures (a bootstrap of clusters and
    within them: Davison & Hinkley 1997, 3.8). Equal prompts and pictures give equal draws, so
    that resamples of two weights are paired.
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
    """Return how unlike the seeds of a prompt are at a weight, over what they are at weight 0.

    It is the mean number of bits by which the perceptual hashes of two seeds differ, of every
    variant that has two; empty where none has.
    """
    ratios = []
    for _, pictures in table.groupby("variant"):
        spread = {at: _spread(pictures[pictures["weight"] == at]) for at in (0.0, weight)}
        if all(spread.values()):
            ratios.append(spread[weight] / spread[0.0])
    if not ratios:
        return Estimate(np.nan, np.nan, np.nan)
    found = pd.DataFrame({"variant": range(len(ratios)), "ratio": ratios})
    return estimate(found, "ratio")


def prompts_apart(table: pd.DataFrame, weight: float) -> Estimate:
    """Return how unlike the pictures of different prompts are at a weight, over weight 0.

    It is the mean number of bits by which the perceptual hashes of two prompts with one seed
    differ; 1 is as without the LoRA, near 0 every prompt gives the same picture. The interval is
    over prompts. Empty where there are not two.
    """
    asked = table[(table["probe"] == "") & (table["hash"] != "")]
    apart = {at: _apart(asked[asked["weight"] == at]) for at in (0.0, weight)}
    prompts = apart[0.0].index.intersection(apart[weight].index)
    if len(prompts) < 2:
        return Estimate(np.nan, np.nan, np.nan)
    here, without = (apart[at].loc[prompts, prompts].to_numpy() for at in (weight, 0.0))
    if not without.any():
        return Estimate(np.nan, np.nan, np.nan)
    counts = shares(pd.Series(prompts))
    drawn = np.einsum("ri,ij,rj->r", counts, without, counts)
    ratios = np.einsum("ri,ij,rj->r", counts, here, counts)[drawn > 0] / drawn[drawn > 0]
    edge = (100 - INTERVAL) / 2
    low, high = np.percentile(ratios, (edge, 100 - edge))
    return Estimate(float(here.sum() / without.sum()), float(low), float(high))


def _apart(pictures: pd.DataFrame) -> pd.DataFrame:
    """Return the mean distance of hashes between prompts, [prompts, prompts], over the seeds."""
    tables = []
    for _, same in pictures.groupby(["seed", "index"]):
        hashes = [imagehash.hex_to_hash(text) for text in same["hash"]]
        distances = [[float(one - other) for other in hashes] for one in hashes]
        tables.append(pd.DataFrame(distances, index=same["variant"], columns=same["variant"]))
    if not tables:
        return pd.DataFrame()
    return pd.concat(tables).groupby(level=0).mean()


def _spread(pictures: pd.DataFrame) -> float:
    hashes = [imagehash.hex_to_hash(text) for text in pictures["hash"] if text]
    distances = [one - other for one, other in combinations(hashes, 2)]
    return float(np.mean(distances)) if distances else 0.0


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
