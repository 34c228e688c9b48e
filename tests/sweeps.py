"""A measured sweep with invented numbers: its tables, its record and its verdict."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from lorabench.bench.measures.columns import METRICS, PLACE
from lorabench.bench.verdicts.verdict import Verdict, write
from lorabench.sweep.pictures import Picture
from lorabench.sweep.variants import Prompt, Variant
from tests import records

COLUMNS = [metric.column for metric in METRICS]
WEIGHTS = (0, 0.4, 0.6, 0.8, 1.0)


def variants(prompts=(), weights=WEIGHTS, seeds=(1,)):
    """The own prompt and further ones by name."""
    named = [Prompt("", "a red mushroom"), *(Prompt(name, name) for name in prompts)]
    return [Variant(name, text, "", tuple(weights), tuple(seeds)) for name, text in named]


def variant(name, text="x", weights=WEIGHTS, seeds=(1,)):
    """The variant that has this folder."""
    probe = next((kind for kind in ("untriggered", "trigger") if name.endswith(kind)), "")
    prompt = name.removesuffix(probe).removesuffix(".").removeprefix("prompt-")
    return Variant(prompt, text, probe, tuple(weights), tuple(seeds))


def pictures(paths):
    """The pictures of a sweep that lie at `[<variant>/]w0.40/seed1_00.png`, in order."""
    return sorted(map(_picture, paths))


def _picture(path):
    seed, index = path.stem.removeprefix("seed").split("_")
    folder = path.parent.parent.name
    of = variant(folder if re.match(r"prompt-|trigger$|untriggered$", folder) else "")
    weight = float(path.parent.name.removeprefix("w"))
    return Picture(of.name, int(seed), int(index), weight, path, of.prompt, of.probe)


def metrics(prompts=(), weights=WEIGHTS, seeds=(1,), batch=1):
    """A row per picture; every prompt has its own numbers."""
    rows = []
    for number, variant in enumerate(variants(prompts, weights, seeds)):
        for seed in seeds:
            for index in range(batch):
                for weight in weights:
                    file = f"w{weight:.2f}/seed{seed}.png"
                    place = [variant.name, variant.prompt, "", weight, seed, index, file]
                    rows.append([*place, *_numbers(weight, number, seed)])
    return pd.DataFrame(rows, columns=[*PLACE, *COLUMNS])


def _numbers(weight, prompt, seed):
    random = np.random.default_rng([prompt, seed])
    jitter = 1 + 0.15 * random.standard_normal(len(COLUMNS))
    base = {"style_gained": 0.75 * np.tanh(1.8 * weight), "structure": 1 - 0.28 * weight**2}
    rising = [
        base.get(column, (place + 1) * (0.2 + weight)) for place, column in enumerate(COLUMNS)
    ]
    return np.array(rising) * jitter


def summary(table):
    """A row per weight: mean and an interval of one standard deviation."""
    rows = []
    for weight, pictures in table.groupby("weight"):
        row = {"weight": weight, "pictures": len(pictures), "prompts": 1, "seeds": 1}
        for column in COLUMNS:
            mean, spread = pictures[column].mean(), pictures[column].std()
            spread = 0 if np.isnan(spread) else spread
            row |= {column: mean, f"{column}_low": mean - spread, f"{column}_high": mean + spread}
        row |= {"diversity": 0.9, "diversity_low": 0.8, "diversity_high": 1.0}
        rows.append(row)
    return pd.DataFrame(rows)


def verdict(weight=0.6, window=(0.4, 0.8)):
    """A LoRA that works."""
    return Verdict("works", False, weight, [weight], window)


def write_all(folder: Path, prompts=(), weights=WEIGHTS, seeds=(1,), batch=1):
    """Write metrics.csv, summary.csv, verdict.json and sweep.yaml into `folder`."""
    table = metrics(prompts, weights, seeds, batch)
    table.to_csv(folder / "metrics.csv", index=False)
    summary(table).to_csv(folder / "summary.csv", index=False)
    write(verdict(), folder / "verdict.json")
    write_sweep(folder / "sweep.yaml", variants(prompts, weights, seeds))


def write_sweep(path: Path, listed, **given):
    """Write the record of a sweep that renders these variants; return its path."""
    return records.write(records.sweep(listed, **given), path)
