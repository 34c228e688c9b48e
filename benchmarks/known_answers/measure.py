"""Measure the pictures of one LoRA, as the pipeline does."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


from benchmarks.known_answers.render import plan
from lorabench import cli, files
from lorabench.bench.measures import table
from lorabench.sweep import pictures


def program(arguments: argparse.Namespace) -> None:
    """Write the table."""
    measured = table.measure(
        sorted(
            picture
            for variant in plan(arguments.taught)
            for picture in pictures.of_variant(variant, arguments.bench, batch_size=1)
        ),
        arguments.bench,
        training=sorted(arguments.images.glob("*.png")),
        reference=sorted(arguments.reference.glob("*.png")),
    )
    with files.publish(arguments.output) as temporary:
        measured.to_csv(temporary, index=False, float_format="%.6g")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("taught", help="what the LoRA was taught")
    parser.add_argument("bench", type=Path, help="folder of the pictures")
    parser.add_argument("images", type=Path, help="folder of the training pictures")
    parser.add_argument("reference", type=Path, help="the same through the autoencoder")
    parser.add_argument("output", type=Path, help="the CSV to write")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
