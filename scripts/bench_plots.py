"""Draw the metrics of a sweep over the LoRA weight, and style gained against the prompt kept.

With --loras, draw several LoRAs at the weight to use instead.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw the pictures."""
    from lorabench.bench.plots import by_weight, charts, over_loras, tradeoff
    from lorabench.bench.verdicts import stored
    from lorabench.sweep.record import SweepRecord

    found = stored.read(arguments.verdict) if arguments.verdict else None
    if arguments.loras:
        path = arguments.output_dir / "loras.png"
        loras, log = SweepRecord.read(arguments.loras).loras, arguments.training_log
        over_loras.draw(loras, arguments.summary, path, arguments.title, found, log)
        cli.detail("%s", path)
        return
    tables = charts.read(arguments.metrics, arguments.summary, found.choice if found else None)
    for module, name in ((by_weight, "metrics_by_weight.png"), (tradeoff, "tradeoff.png")):
        path = arguments.output_dir / name
        module.draw(tables, path, arguments.title, found)
        cli.detail("%s", path)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes metrics_by_weight.png and tradeoff.png. What was not measured is left out; "
        "the probes are, too.",
    )
    add = parser.add_argument
    add("--metrics", type=Path, required=True, metavar="CSV", help="a row per picture")
    add("--summary", type=Path, required=True, metavar="CSV", help="a row per weight")
    add("--verdict", type=Path, metavar="JSON", help="marks the weights to use")
    add("--loras", type=Path, metavar="YAML", help="the record of a sweep of several LoRAs, with "
        "--verdict: writes loras.png instead")  # fmt: skip
    add("--training-log", type=Path, metavar="CSV", help="with --loras: the loss beside them")
    add("--output-dir", type=Path, required=True, metavar="FOLDER")
    add("--title", default="", help="heads both pictures; the run, for one")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
