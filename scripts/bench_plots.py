"""Draw the metrics of a sweep over the LoRA weight, and style gained against the prompt kept."""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw both pictures."""
    from lorabench.bench.plots import by_weight, charts, tradeoff
    from lorabench.bench.verdicts import verdict

    found = verdict.read(arguments.verdict) if arguments.verdict else None
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
    add("--output-dir", type=Path, required=True, metavar="FOLDER")
    add("--title", default="", help="heads both pictures; the run, for one")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
