"""Write the model card of a LoRA, ready for a model site."""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Write the card from what is there."""
    from lorabench.bench.verdicts import stored
    from lorabench.pages.card import card
    from lorabench.run.record import RunRecord
    from lorabench.sweep.record import SweepRecord

    sources = card.Sources(
        loras=arguments.lora,
        record=RunRecord.read(arguments.record) if arguments.record else None,
        sweep=SweepRecord.read(arguments.sweep) if arguments.sweep else None,
        verdict=stored.read(arguments.verdict) if arguments.verdict else None,
        grid=arguments.grid,
    )
    card.write(sources, arguments.output)
    cli.detail("%s", arguments.output)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="What is not given is said to be unknown; nothing is guessed."
    )
    add = parser.add_argument
    add("--lora", type=Path, required=True, nargs="+", metavar="SAFETENSORS",
        help="the LoRA; of several, the card is of the one that the verdict chose")  # fmt: skip
    add("--output", type=Path, required=True, metavar="README.md", help="the card")
    add("--record", type=Path, metavar="YAML", help="run.yaml: what it was trained with")
    add("--sweep", type=Path, metavar="YAML", help="sweep.yaml: what was rendered")
    add("--verdict", type=Path, metavar="JSON", help="verdict.json")
    add("--grid", type=Path, metavar="PICTURE",
        help="the grid to show; it is copied beside the card")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
