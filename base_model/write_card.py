"""Put the table of the evaluation into the model card, where the exported model keeps it."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from lorabench import cli, files
from lorabench.errors import UserError

MARK = "<!-- evaluation -->"
"""The line of the card that the table takes the place of."""


def program(arguments: argparse.Namespace) -> None:
    """Write the card."""
    write_card(arguments.card, arguments.table.read_text(encoding="utf-8"), arguments.output)


def write_card(card: Path, figures: str, output: Path) -> None:
    """Write the text of `card` with `figures`, Markdown, at its mark to `output`.

    Raises:
        UserError: there is no mark.
    """
    text = card.read_text(encoding="utf-8")
    if MARK not in text:
        raise UserError(f"{card}: there is no line {MARK}, whose place the figures should take.")
    files.write_text(output, text.replace(MARK, figures.strip()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path, help=f"the card's text, with {MARK} in it")
    parser.add_argument("table", type=Path, help="the evaluation's table, Markdown")
    parser.add_argument("output", type=Path, help="README.md of the exported model")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
