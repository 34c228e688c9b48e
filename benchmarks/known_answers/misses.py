"""What the verdict got wrong: a table, and the grid of each LoRA to see it by."""

from collections.abc import Collection, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.known_answers.recipes import RECIPES
from benchmarks.known_answers.render import SEEDS, WEIGHTS, plan
from benchmarks.known_answers.result import Result
from lorabench import files, layout

_SIDE = 64


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of a Markdown table of every miss, each with a link to its grid."""
    lines = [
        "| LoRA | half | truth | verdict | weight | best | usable | window |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in filter(_is_missed, results):
        half = "held out" if one.held_out else "calibrated on"
        weight = "" if one.weight is None else f"{one.weight:g}"
        name = one.name if one.truth == "broken" else f"[{one.name}](misses/{one.name}.webp)"
        weights = (one.best, one.usable, one.window)
        cells = (name, half, one.truth, one.said, weight, *map(_listed, weights))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def draw(results: Sequence[Result], folder: Path, work: Path) -> None:
    """Draw the grids of the misses into `folder`, weights downwards; remove all others."""
    missed = {one.name for one in results if _is_missed(one) and one.truth != "broken"}
    keep_only(missed, folder)
    taught = {recipe.name: recipe.training.pictures.taught for recipe in RECIPES}
    for name in sorted(missed):
        with files.publish(folder / f"{name}.webp") as temporary:
            _grid(work / "bench" / name, taught[name]).save(temporary, "WEBP", quality=80)


def keep_only(names: Collection[str], folder: Path) -> None:
    """Remove the grids of what is missed no longer."""
    for old in folder.glob("*.webp"):
        if old.stem not in names:
            old.unlink()


def _is_missed(one: Result) -> bool:
    return not one.right or bool(one.best and not one.near)


def _listed(weights: Sequence[float]) -> str:
    return ", ".join(f"{weight:g}" for weight in weights)


def _grid(bench: Path, taught: str) -> Image.Image:
    """Return the pictures of the prompts, a row for each weight from 0 on."""
    prompts = [variant for variant in plan(taught) if not variant.probe]
    sheet = Image.new("RGB", (_SIDE * len(prompts), _SIDE * len(WEIGHTS)))
    for row, weight in enumerate(WEIGHTS):
        for column, variant in enumerate(prompts):
            folder, name = variant.folder(weight), layout.weight_name(weight)
            path = layout.picture(bench, folder, name, SEEDS[0], 0)
            with Image.open(path) as picture:
                sheet.paste(picture.resize((_SIDE, _SIDE)), (_SIDE * column, _SIDE * row))
    return sheet
