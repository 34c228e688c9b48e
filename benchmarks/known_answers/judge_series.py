"""Judge the pictures of one series: the score of each picture of each epoch and weight."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch

from base_model import judge as base_judge
from benchmarks.known_answers import series_judge
from benchmarks.known_answers.render_series import WEIGHTS, picture, prompts
from benchmarks.known_answers.series_recipes import NAMED
from benchmarks.known_answers.series_truth import Pair, Scores
from lorabench import cli, files, layout


def program(arguments: argparse.Namespace) -> None:
    """Write the scores."""
    torch.set_num_threads(1)
    series = NAMED[arguments.series]
    jury = base_judge.load(arguments.judge, series_judge.HEADS)
    scores = {
        Pair(epoch, weight): of_lora(
            jury, series.pictures.taught, arguments.folder / str(epoch), weight
        )
        for epoch in series.epochs
        for weight in WEIGHTS
    }
    files.write_text(arguments.folder / "scores.json", json.dumps(packed(scores)) + "\n")


def of_lora(jury: base_judge.Judge, taught: str, bench: Path, weight: float) -> np.ndarray:
    """Return the scores of one LoRA's pictures at `weight`, in the order of prompts and seeds."""
    places = [(variant, seed) for variant in prompts(taught) for seed in variant.seeds]
    paths = [picture(bench, variant, weight, seed) for variant, seed in places]
    shown = [series_judge.wanted(taught, variant) for variant, _ in places]
    return series_judge.chances(jury, paths, shown)


def packed(scores: Scores) -> dict[str, dict[str, list[float]]]:
    """Return the scores as JSON has them: by epoch, then by weight."""
    found: dict[str, dict[str, list[float]]] = {}
    for (epoch, weight), values in scores.items():
        of_epoch = found.setdefault(str(epoch), {})
        of_epoch[layout.weight_name(weight)] = [round(float(value), 3) for value in values]
    return found


def unpacked(content: dict[str, dict[str, list[float]]]) -> Scores:
    """Return the scores that `packed` made JSON of."""
    return {
        Pair(int(epoch), float(weight)): np.array(values)
        for epoch, weights in content.items()
        for weight, values in weights.items()
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", help="its name, as in series_recipes.py")
    parser.add_argument("judge", type=Path, help="folder of the judge of the series")
    parser.add_argument("folder", type=Path, help="where its pictures are, and the scores go")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
