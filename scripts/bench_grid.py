"""Lay the pictures of a sweep out in grids: one for each seed, an overview, and the probes.

The prompt stands below the title, if the pictures or the record of the sweep name it.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw the grids."""
    from lorabench.bench.grids import arrangement, grid, several
    from lorabench.bench.grids.strip import Strip
    from lorabench.bench.measures import faults
    from lorabench.bench.verdicts import stored
    from lorabench.sweep import origin
    from lorabench.sweep.record import SweepRecord

    folder = arguments.sweep.parent
    judged = stored.read(arguments.verdict) if arguments.verdict else None
    sweep = SweepRecord.read(arguments.sweep)
    if judged and arguments.loras:
        drawn = several.draw(sweep, folder, arguments.output_dir, arguments.title, judged)
        for path in drawn:
            cli.detail("%s", path)
        return
    if judged and judged.choice:
        sweep = sweep.only(judged.choice.lora)
    pictures = sweep.pictures_in(folder)
    own = sweep.variants[0].text or origin.prompt(one for one in pictures if not one.variant)
    texts = arrangement.Texts(arguments.title, own, sweep.variants)
    findings = grid.Findings(
        faults.read(arguments.warnings) if arguments.warnings else [],
        judged,
        folder,
    )
    if arguments.probes:
        drawn = grid.draw_probes(pictures, arguments.output_dir, texts, findings)
    else:
        strip = Strip.choose(arguments.training_set) if arguments.training_set else None
        drawn = grid.draw(
            pictures, arguments.output_dir, texts, findings, strip, arguments.difference
        )
    for path in drawn:
        cli.detail("%s", path)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes seed<seed>_weights.png for each seed and overview.png; for what one PNG "
        "cannot hold, overview_2.png and so on; and each as WebP, to share.",
    )
    add = parser.add_argument
    add("--sweep", type=Path, required=True, metavar="YAML", help="the record of the sweep; the "
        "pictures lie beside it")  # fmt: skip
    add("--output-dir", type=Path, required=True, metavar="FOLDER")
    add("--title", default="", help="heads every grid; the run, for one")
    add("--warnings", type=Path, metavar="JSON", help="what bench_metrics.py found")
    add("--verdict", type=Path, metavar="JSON", help="marks the weights to use")
    add("--training-set", type=Path, metavar="FOLDER", help="normalized PNGs; shows up to 8")
    add("--probes", action="store_true", help="write probes.png instead: the trigger words alone "
        "and prompts without them")  # fmt: skip
    add("--loras", action="store_true", help="write loras.png, and loras/ with a grid for each "
        "prompt, instead: several LoRAs side by side; needs --verdict")  # fmt: skip
    add("--difference", action="store_true", help="write seed<seed>_differences.png, too: where "
        "pictures differ from weight 0")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
