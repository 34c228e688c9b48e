"""Lay the pictures of a sweep out in grids: one for each seed, an overview, and the probes.

Below the title stands the prompt, where the pictures or the record of the sweep tell it.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw the grids."""
    from lorabench.bench import cell, origin, shown
    from lorabench.bench.grids import arrangement, grid
    from lorabench.bench.grids.strip import Strip
    from lorabench.bench.measures import faults
    from lorabench.bench.verdicts import verdict

    cells = cell.sweep(arguments.pictures)
    listed = shown.read(arguments.sweep) if arguments.sweep else []
    told = {variant.name: variant.text for variant in listed}

    def text(name: str) -> str:
        return told.get(name) or origin.prompt(one for one in cells if one.variant == name)

    texts = arrangement.Texts(arguments.title, text(""), text("trigger"), listed)
    findings = grid.Findings(
        faults.read(arguments.warnings) if arguments.warnings else [],
        verdict.read(arguments.verdict) if arguments.verdict else None,
    )
    strip = Strip.choose(arguments.training_set) if arguments.training_set else None
    for path in grid.draw(
        cells, arguments.output_dir, texts, findings, strip, arguments.difference
    ):
        cli.detail("%s", path)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes seed<seed>_weights.png for each seed, overview.png and, for the trigger "
        "words alone and prompts without them, probes.png; for what one PNG cannot hold, "
        "overview_2.png and so on; and each as WebP, to share.",
    )
    add = parser.add_argument
    add("pictures", nargs="+", type=Path, metavar="PNG", help="[VARIANT/]w0.40/seed7_00.png")
    add("--output-dir", type=Path, required=True, metavar="FOLDER")
    add("--title", default="", help="heads every grid; the run, for one")
    add("--sweep", type=Path, metavar="YAML", help="the record of the sweep: order, prompts")
    add("--warnings", type=Path, metavar="JSON", help="what bench_metrics.py found")
    add("--verdict", type=Path, metavar="JSON", help="marks the weights to use")
    add("--training-set", type=Path, metavar="FOLDER", help="normalized PNGs; shows up to 8")
    add(
        "--difference",
        action="store_true",
        help="write seed<seed>_differences.png, too: where pictures differ from weight 0",
    )
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
