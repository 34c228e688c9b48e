"""A measured sweep with invented numbers: its tables, its record and its verdict."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from lorabench.bench.measures.columns import METRICS, PLACE
from lorabench.bench.variants import Prompt, Variant
from lorabench.bench.verdicts.verdict import Verdict, write

COLUMNS = [metric.column for metric in METRICS]
WEIGHTS = (0, 0.4, 0.6, 0.8, 1.0)


def variants(prompts=(), weights=WEIGHTS, seeds=(1,)):
    """The own prompt and further ones by name."""
    named = [Prompt("", "a red mushroom"), *(Prompt(f"prompt-{name}", name) for name in prompts)]
    return [Variant(name, text, "", name, tuple(weights), tuple(seeds)) for name, text in named]


def metrics(prompts=(), weights=WEIGHTS, seeds=(1,), batch=1):
    """A row per picture; every prompt has its own numbers."""
    rows = []
    for number, variant in enumerate(variants(prompts, weights, seeds)):
        for seed in seeds:
            for index in range(batch):
                for weight in weights:
                    place = [variant.name, "", weight, seed, index, f"w{weight:.2f}/seed{seed}.png"]
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


def write_sweep(path: Path, listed):
    """Write the record of a sweep."""
    record = json.loads(json.dumps({"variants": [asdict(variant) for variant in listed]}))
    path.write_text(yaml.safe_dump(record, allow_unicode=True), encoding="utf-8")
