"""Measure the pictures of one series, each epoch as the pipeline measures a LoRA."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.known_answers.render_series import WEIGHTS, prompts
from benchmarks.known_answers.series_recipes import NAMED
from lorabench import cli, files
from lorabench.bench.measures import table
from lorabench.sweep import pictures
from lorabench.sweep.pictures import Picture


def drawn(taught: str, bench: Path) -> Iterator[Picture]:
    """Yield the pictures of one epoch."""
    for variant in prompts(taught):
        swept = replace(variant, weights=(0.0, *WEIGHTS))
        yield from pictures.of_variant(swept, bench, batch_size=1)


def program(arguments: argparse.Namespace) -> None:
    """Write the tables that are not there yet, then leave a mark."""
    series = NAMED[arguments.series]
    for epoch in series.epochs:
        bench = arguments.folder / str(epoch)
        if (bench / "metrics.csv").exists():
            continue
        measured = table.measure(
            sorted(drawn(series.pictures.taught, bench)),
            bench,
            training=sorted(arguments.images.glob("*.png")),
            reference=sorted(arguments.reference.glob("*.png")),
        )
        with files.publish(bench / "metrics.csv") as temporary:
            measured.to_csv(temporary, index=False, float_format="%.6g")
    files.write_text(arguments.folder / "measured", "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", help="its name, as in series_recipes.py")
    parser.add_argument("images", type=Path, help="folder of its training pictures")
    parser.add_argument("reference", type=Path, help="the same, as the autoencoder gives them back")
    parser.add_argument("folder", type=Path, help="where its pictures are, and the tables go")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
