"""Look a normalized set through, say what will spoil a training on it, and make a page on it.

Writes OUTPUT (HTML) and, beside it, what it says as JSON. Without --output it only looks.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from lorabench import cli, parent
from lorabench.dataset import checks, facts, risks
from lorabench.errors import UserError
from lorabench.text import phrases

_SLIPS = 6
"""Likely misspellings that are named on the terminal; the page has all."""


def main(arguments: argparse.Namespace) -> None:
    """Look the set through; with --strict, fail where anything will spoil the training."""
    from lorabench.base import tokens
    from lorabench.pages.dataset import build, given_back
    from lorabench.pages.dataset.contents import Contents

    parent.end_with_workflow()
    use = facts.Use.read(arguments.use)
    found = facts.of_normalized(arguments.set, use)
    if not found.pictures:
        raise UserError(f"{arguments.set}: its log names no picture that is in images/")
    try:
        decoded = given_back.find(
            found, arguments.set, arguments.base_model, arguments.device, arguments.reference
        )
    except UserError as error:  # no reason to hold a training up: its trainer may read the model
        cli.log.warning("what the autoencoder gives back is not measured: %s", error)
        decoded = {}
    count = tokens.counter(arguments.base_model)
    found = replace(
        found,
        pictures=tuple(
            replace(one, tokens=count(one.caption), given_back=given_back.share(one, decoded))
            for one in found.pictures
        ),
    )
    spoils = checks.find(found)
    for risk in spoils:
        if risk.code not in arguments.said.split(","):
            cli.log.info("%s", risk.line())
    if arguments.output:
        contents = Contents(arguments.set, found, spoils)
        build.build(contents, arguments.raw, decoded, arguments.output, arguments.workers)
        cli.log.info("%s: %s", contents.sentence, arguments.output)
        if slips := [f"{slip.word} for {slip.meant}" for slip in contents.misspellings]:
            cli.log.info("Perhaps misspelt in captions: %s", phrases.few(slips, _SLIPS))
    if arguments.strict and spoils:
        raise UserError(risks.refusal(spoils))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("set", type=Path, metavar="FOLDER", help="the normalized set")
    add("--raw", type=Path, required=True, metavar="FOLDER", help="the raw set it was made of")
    add("--use", type=Path, required=True, metavar="JSON", help="what it is to be trained for")
    add("--base-model", type=Path, required=True, help="a .safetensors file or diffusers folder")
    add("--reference", type=Path, metavar="FOLDER", help="where reference_set.py may have written "
        "it as the base model gives it back")  # fmt: skip
    add("--output", type=Path, metavar="HTML", help="the page")
    add("--said", default="", metavar="CODES", help="risks that the workflow has said already")
    add("--strict", action="store_true", help="fail where anything will spoil the training")
    add("--workers", type=cli.positive, default=2, metavar="N", help="threads (default: 2)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
