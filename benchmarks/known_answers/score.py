"""Compare the verdicts on the suite's LoRAs with the truth: figures, and tables to read.

A LoRA whose file is refused is broken; on all others the verdict is the pipeline's. Those of
two thirds of the sets by other hands were kept from the calibration. Which weight is best, a look
says, or, of what it was trained on, the judge.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from base_model import judge as base_judge
from base_model.world import CHARACTER, STYLES
from benchmarks.known_answers import best_weight, limits, looks, misses
from benchmarks.known_answers.recipe import Recipe
from benchmarks.known_answers.recipes import RECIPES
from benchmarks.known_answers.result import NEAR, Result
from lorabench import cli, files
from lorabench.bench.verdicts import judging, summary
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError
from lorabench.lora import fit
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.variants import FULL_STRENGTH

LABELS = ("works", "weak", "dead", "broken", "fried", "lost", "copies", "uncertain")
_LOWER = 0.8
"""The highest weight of the default sweep, before it goes on."""
_USUAL = 0.8
"""What people use without looking."""


def program(arguments: argparse.Namespace) -> None:
    """Judge all LoRAs by all weights and by the default command; write both files."""
    jury = base_judge.load(arguments.judge)
    work = arguments.work
    labelled = [recipe for recipe in RECIPES if recipe.label]
    known = [recipe for recipe in labelled if _is_made(recipe, work)]
    measured = {
        recipe.name: summary.read(path)
        for recipe in known
        if (path := work / "metrics" / f"{recipe.name}.csv").exists()
    }
    found: dict[str, list[Result]] = {title: [] for title in SWEEPS}
    for recipe in cli.bar(known, desc="judging", unit="LoRA"):
        refused = _is_refused(work / "loras" / f"{recipe.name}.safetensors", arguments.model)
        table = None if refused else measured.get(recipe.name)
        scores = _scores(jury, recipe, work) if table is not None else {}
        for title, judge in SWEEPS.items():
            found[title].append(_result(recipe, refused, table, scores, judge))
    content = {title: [asdict(result) for result in results] for title, results in found.items()}
    files.write_text(arguments.results, json.dumps(content, indent=1) + "\n")
    everything = [result for results in found.values() for result in results]
    parts = [f"### {title}\n\n{tables(results)}" for title, results in found.items()]
    made = f"{len(known)} LoRAs of the suite's {len(labelled)}.\n"
    text = "\n".join([made, *parts, f"### The limits\n\n{limits.table(measured)}"])
    files.write_text(arguments.tables, text)
    cli.log.info("%s", text)
    misses.draw(everything, arguments.tables.with_name("misses"), work)


def _is_made(recipe: Recipe, work: Path) -> bool:
    """Return whether the LoRA is there, and measured, if one can render with it."""
    measured = work / "metrics" / f"{recipe.name}.csv"
    lora = work / "loras" / f"{recipe.name}.safetensors"
    return lora.exists() and (recipe.label == "broken" or measured.exists())


def _is_refused(lora: Path, model: Path) -> bool:
    try:
        fit.check(lora, model)
    except UserError:
        return True
    return False


def _scores(jury: base_judge.Judge, recipe: Recipe, work: Path) -> dict[float, np.ndarray]:
    """Return what the judge makes of a good LoRA; nothing of another, or of what it never saw."""
    if recipe.label != "works" or recipe.training.pictures.taught not in (*STYLES, CHARACTER):
        return {}
    return best_weight.scores(jury, recipe.training.pictures.taught, work / "bench" / recipe.name)


def _result(
    recipe: Recipe,
    refused: bool,
    table: pd.DataFrame | None,
    scores: dict[float, np.ndarray],
    judge: Callable[[pd.DataFrame, VerdictSettings], Verdict],
) -> Result:
    """Judge one LoRA by its pictures."""
    facts = recipe.name, recipe.training.name, recipe.held_out, recipe.label
    if refused or table is None:
        said = "broken" if refused else "not refused"
        return Result(*facts, said, recipe.leaks, None, None, [], [])
    found = judge(table, limits.of(limits.profile(recipe)))
    good = looks.usable(recipe.name) or (best_weight.usable(scores) if scores else [])
    return Result(
        *facts,
        said=found.label,
        leaks=recipe.leaks,
        said_leaks=found.leaks,
        weight=found.weight,
        tie=found.tie,
        best=looks.best(recipe.name) or (best_weight.best(scores) if scores else []),
        window=list(found.window or ()),
        usable=[min(good), max(good)] if good else [],
        gone=looks.gone(recipe.name),
    )


def _by_default(table: pd.DataFrame, of_profile: VerdictSettings) -> Verdict:
    """Judge as the default command does, which goes on where a higher weight may be better."""
    first = judging.judge(_up_to(_LOWER, table), of_profile)
    goes_on = first.label == "weak" or any(one.code == "highest" for one in first.unknown)
    return judging.judge(table, of_profile) if goes_on else first


SWEEPS = {"The default command": _by_default, "Weights from 0.4 to 1.2": judging.judge}
"""What is scored, and how it is judged."""


def _up_to(highest: float, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of the sweep that ends there, with the probes that belong to it."""
    probe = (table["probe"] == "trigger") & (table["weight"] <= max(highest, FULL_STRENGTH))
    return table[(table["weight"] <= highest) | probe].reset_index(drop=True)


def tables(results: Sequence[Result]) -> str:
    """Return Markdown: the figures of both halves, the confusion table, and every miss."""
    held_out = [result for result in results if result.held_out]
    calibrated = [result for result in results if not result.held_out]
    rows = [
        "| figure | goal | held out | calibrated on |",
        "| --- | --- | --- | --- |",
        *(
            f"| {title} | {goal} | {measure(held_out)} | {measure(calibrated)} |"
            for title, goal, measure in _FIGURES
        ),
    ]
    return "\n".join([*rows, "", *_confusion(held_out), "", *misses.table(results)]) + "\n"


def _right(results: Sequence[Result]) -> str:
    return share([result.right for result in results])


def _trainings(results: Sequence[Result]) -> str:
    """Count by training, since LoRAs that come from one are not independent."""
    right: dict[str, bool] = {}
    for result in results:
        right[result.training] = right.get(result.training, True) and result.right
    return share(list(right.values()))


def _false_alarms(results: Sequence[Result]) -> str:
    good = [result for result in results if result.truth == "works"]
    return share([not result.right for result in good])


def _weights(results: Sequence[Result]) -> str:
    return share([result.near for result in results if result.best])


def _unseen(results: Sequence[Result]) -> str:
    """Count how often the usual weight is near the best, whatever the pictures show."""
    return share([replace(one, weight=_USUAL).near for one in results if one.best])


def _lost(results: Sequence[Result]) -> str:
    return share([result.loses_the_subject for result in results if result.gone])


def _usable(results: Sequence[Result]) -> str:
    return share([one.draws_well for one in results if one.usable and one.weight is not None])


def _windows(results: Sequence[Result]) -> str:
    """Count good LoRAs of the whole sweep that are called so: others have no window."""
    return share([one.ends_near for one in results if one.usable and one.window])


def _leaks(results: Sequence[Result]) -> str:
    known = [one for one in results if one.leaks is not None and one.said_leaks is not None]
    return share([one.leaks == one.said_leaks for one in known])


_FIGURES = (
    ("right verdicts", "at least 95 %", _right),
    ("trainings whose LoRAs are all judged right", "", _trainings),
    ("good LoRAs called something else", "at most 1 in 50", _false_alarms),
    ("called working where the subject is gone, of those that lose it somewhere", "none", _lost),
    (f"recommended weight within {NEAR} of the best", "at least 90 %", _weights),
    (f"{_USUAL} within {NEAR} of the best, for comparison", "", _unseen),
    ("recommended weight good by eye or judge, of those with one", "", _usable),
    ("both ends of the window within a step", "", _windows),
    ("leaks judged right", "", _leaks),
)


def share(truths: Sequence[bool]) -> str:
    """Write a share with its exact 95 % confidence interval (Clopper & Pearson 1934)."""
    if not truths:
        return "none"
    hits = sum(truths)
    bounds = binomtest(hits, len(truths)).proportion_ci()
    share, low, high = (100 * part for part in (hits / len(truths), bounds.low, bounds.high))
    return f"{hits} of {len(truths)}, {share:.0f} % ({low:.0f} to {high:.0f} %)"


def _confusion(results: Sequence[Result]) -> list[str]:
    counts = Counter((result.truth, result.said) for result in results)
    said = [label for label in (*LABELS, "not refused") if any(s == label for _, s in counts)]
    lines = [f"| held out: truth | {' | '.join(said)} |", "| --- |" + " --- |" * len(said)]
    for truth in LABELS:
        if any(t == truth for t, _ in counts):
            row = " | ".join(str(counts[truth, label] or "") for label in said)
            lines.append(f"| **{truth}** | {row} |")
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder of LoRAs, pictures and metrics")
    parser.add_argument("model", type=Path, help="the base model")
    parser.add_argument("judge", type=Path, help="folder of the judge")
    parser.add_argument("results", type=Path, help="JSON of every LoRA")
    parser.add_argument("tables", type=Path, help="Markdown")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
