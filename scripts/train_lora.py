"""Train a LoRA on a normalized set, with diffusers and PEFT."""

import argparse
import sys

from lorabench import cli, parent
from lorabench.errors import UserError
from lorabench.train import interface


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    return interface.parser(__doc__)


def main(arguments: argparse.Namespace) -> None:
    """Resolve the settings and train."""
    from lorabench.train.embedded import train  # imports torch: only once all else is right

    parent.end_with_workflow()
    interface.check_output(arguments.output)
    settings = interface.settings(arguments)
    if settings.kohya_args:
        raise UserError(
            "train.kohya_args: they are options of sd-scripts, which trainer=embedded does not "
            "run; take trainer=kohya, or none of them."
        )
    train(
        arguments.data,
        arguments.base_model,
        arguments.output,
        settings,
        arguments.reg,
        arguments.keep_epochs,
    )


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
