"""How far the judge of the series agrees with the eye: its scores beside the suite's looks.

The judge has learnt from drawings alone, and none of these pictures is of a series.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd
import torch

from base_model import judge as base_judge
from benchmarks.known_answers import looks, series_judge
from benchmarks.known_answers.judge_series import of_lora
from benchmarks.known_answers.recipes import RECIPES
from benchmarks.known_answers.score import share
from benchmarks.known_answers.series_truth import WORKS
from lorabench import cli, files

_STEP = 0.2
_GOOD = ("good", "best")


def program(arguments: argparse.Namespace) -> None:
    """Score every LoRA that was looked at, and write the tables."""
    torch.set_num_threads(1)
    jury = base_judge.load(arguments.judge, series_judge.HEADS)
    taught = {recipe.name: recipe.training.pictures.taught for recipe in RECIPES}
    rows = [
        (name, weight, word, float(of_lora(jury, taught[name], bench, weight).mean()))
        for name, look in cli.bar(looks.read().items(), desc="judging", unit="LoRA")
        if (bench := arguments.work / "bench" / name).exists()
        for weight, word in look.weights.items()
    ]
    found = pd.DataFrame(rows, columns=["lora", "weight", "word", "score"])
    files.write_text(arguments.output, tables(found))
    cli.log.info("%s", tables(found))


def tables(found: pd.DataFrame) -> str:
    """Return Markdown: the scores of each word of the eye, and how often both say the same."""
    lines = ["| by eye | weights | mean score | middle half |", "| --- | --- | --- | --- |"]
    for word in looks.WORDS:
        some = found.loc[found["word"] == word, "score"]
        if len(some):
            low, high = some.quantile([0.25, 0.75])
            lines.append(f"| {word} | {len(some)} | {some.mean():.2f} | {low:.2f} to {high:.2f} |")
    loras = [rows for _, rows in found.groupby("lora")]
    working = [rows for rows in loras if (rows["word"] == "best").any()]
    highest = [rows.loc[rows["score"].idxmax()] for rows in working]
    figures = {
        "LoRAs that work by eye: the weight with the highest score is a good one": [
            one["word"] in _GOOD for one in highest
        ],
        "it is the best one, or a step beside": [
            any(abs(one["weight"] - best) <= _STEP + 1e-6 for best in _best(rows))
            for one, rows in zip(highest, working, strict=True)
        ],
        f"their highest score is at least {WORKS:g}": [
            bool(one["score"] >= WORKS) for one in highest
        ],
        f"LoRAs that do not: it is under {WORKS:g}": [
            bool(rows["score"].max() < WORKS)
            for rows in loras
            if not rows["word"].isin(_GOOD).any()
        ],
    }
    lines += ["", *(f"- {title}: {share(hits)}" for title, hits in figures.items())]
    return "\n".join(lines) + "\n"


def _best(rows: pd.DataFrame) -> list[float]:
    return rows.loc[rows["word"] == "best", "weight"].tolist()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder of the suite's pictures")
    parser.add_argument("judge", type=Path, help="folder of the judge of the series")
    parser.add_argument("output", type=Path, help="Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
