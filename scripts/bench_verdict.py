"""Judge a LoRA by the table of its sweep: does it work, at which weight, and how sure is that?

Writes summary.csv, a row per weight, and verdict.json, and prints the verdict in a few lines.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli, files


def main(arguments: argparse.Namespace) -> None:
    """Write the summary and the verdict."""
    from lorabench.bench.measures import training_set
    from lorabench.bench.verdicts import choice, choice_words, summary, verdict
    from lorabench.sweep.record import SweepRecord

    sweep = SweepRecord.read(arguments.sweep)
    table = summary.read(arguments.metrics)
    taught = training_set.read(arguments.examined) if arguments.examined else None
    tables = summary.by_lora(table, sweep.loras)
    found = choice.judge(tables, sweep, taught)
    with files.publish(arguments.summary) as temporary:
        summary.of_each(tables).to_csv(temporary, index=False, float_format="%.6g")
    with files.publish(arguments.output) as temporary:
        verdict.write(found, temporary)
    cli.detail("%s", "\n".join(choice_words.lines(found, sweep.loras)))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("metrics", type=Path, metavar="CSV", help="what bench_metrics.py wrote")
    add("--examined", type=Path, metavar="JSON", help="what bench_metrics.py found out about the "
        "training set")  # fmt: skip
    add("--output", type=Path, required=True, metavar="JSON", help="the verdict")
    add("--summary", type=Path, required=True, metavar="CSV", help="a row per weight")
    add("--sweep", type=Path, required=True, metavar="YAML", help="the record of the sweep, whose "
        "section `verdict` has the limits")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
