"""Render the prompts with every LoRA of one series, over the weights, each epoch in a folder."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from base_model.rendering import Renderer
from benchmarks.known_answers import render
from benchmarks.known_answers.series_recipes import NAMED
from lorabench import cli, files, layout
from lorabench.sweep.variants import Variant

WEIGHTS = (0.4, 0.6, 0.8, 1.0)


def prompts(taught: str) -> list[Variant]:
    """Return the eight prompts that a LoRA is judged by."""
    return [variant for variant in render.plan(taught) if not variant.probe]


def picture(bench: Path, variant: Variant, weight: float, seed: int) -> Path:
    """Return where a picture of one LoRA is."""
    return layout.picture(bench, variant.folder(weight), layout.weight_name(weight), seed, 0)


def jobs(taught: str, bench: Path) -> Iterator[render.Job]:
    """Yield every picture of one LoRA, those of a weight one after another."""
    for weight in (0.0, *WEIGHTS):
        for variant in prompts(taught):
            for seed in variant.seeds:
                path = picture(bench, variant, weight, seed)
                yield render.Job(path, variant.text or "", weight, seed)


def program(arguments: argparse.Namespace) -> None:
    """Render what is not there yet, then leave a mark."""
    series = NAMED[arguments.series]
    renderer = Renderer(arguments.model, threads=1, kept=arguments.kept)
    for epoch in series.epochs:
        wanted = jobs(series.pictures.taught, arguments.folder / str(epoch))
        render.draw(renderer, arguments.trained / series.file(epoch), wanted)
    files.write_text(arguments.folder / "rendered", "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", help="its name, as in series_recipes.py")
    parser.add_argument("model", type=Path, help="the base model")
    parser.add_argument("trained", type=Path, help="folder of its LoRAs")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("kept", type=Path, help="folder of what is drawn without a LoRA")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
