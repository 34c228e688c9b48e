"""Measure the pictures of a sweep, one row per picture, and examine them and the training set."""

import argparse
import os
import sys
from pathlib import Path

from lorabench import cli, files


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the warnings."""
    # The processes run in parallel; threads for such small products double the time.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from lorabench.bench.embeddings import table as embedding_table
    from lorabench.bench.measures import faults, table, training_set
    from lorabench.sweep.origin import check_one_sweep
    from lorabench.sweep.pictures import pictures_of_set
    from lorabench.sweep.record import SweepRecord

    sweep = SweepRecord.read(arguments.sweep)
    pictures = sweep.pictures_in(arguments.sweep.parent)
    check_one_sweep(pictures)
    training = pictures_of_set(arguments.training_set)
    reference = pictures_of_set(arguments.reference)
    measured = table.measure(
        pictures,
        arguments.output.parent,
        training=training,
        reference=reference,
        processes=arguments.processes,
    )
    found = faults.find(measured)
    if arguments.embedding_table:
        measured = embedding_table.joined(measured, arguments.embedding_table)
    with files.publish(arguments.output) as temporary:
        measured.to_csv(temporary, index=False, float_format="%.6g")
    with files.publish(arguments.warnings) as temporary:
        faults.write(found, temporary)
    if arguments.examined:
        beside = pictures_of_set(arguments.reg and arguments.reg / "images")
        examined = training_set.examine(training, reference, pictures, sweep.trigger, beside)
        with files.publish(arguments.examined) as temporary:
            training_set.write(examined, temporary)
    cli.detail("%s: %d pictures measured", arguments.output, len(measured))
    if found:
        cli.detail("%s", faults.block(found))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Pictures of a weight above 0 that equal those of weight 0, and pictures of one "
        "colour, are reported loudly; the exit status is 0 all the same.",
    )
    add = parser.add_argument
    add("--sweep", type=Path, required=True, metavar="YAML", help="the record of the sweep; the "
        "pictures lie beside it")  # fmt: skip
    add("--training-set", type=Path, metavar="FOLDER", help="images/ of the"
        " normalized set: finds copies")  # fmt: skip
    add("--reference", type=Path, metavar="FOLDER", help="what reference_set.py"
        " wrote: measures the style gained")  # fmt: skip
    add("--reg", type=Path, metavar="FOLDER", help="the normalized set of regularization pictures")
    add("--embedding-table", type=Path, metavar="CSV", help="what bench_embed.py"
        " wrote: its columns follow")  # fmt: skip
    add("--processes", type=cli.positive, default=1, help="at once (default: 1)")
    add("--output", type=Path, required=True, metavar="CSV", help="the table")
    add("--examined", type=Path, metavar="JSON", help="what the training set makes possible")
    add("--warnings", type=Path, required=True, metavar="JSON", help="the faults")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
