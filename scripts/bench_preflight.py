"""Check that every ComfyUI server can render a sweep, and write the graph of its cells.

One message lists everything that is missing on any server: checkpoints, VAEs and other files,
custom nodes, samplers, the LoRA's folder. Nothing is rendered. Without a --lora-receipt, for a LoRA
that is not trained yet, servers may still be away, and the embedded one is not started.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli
from lorabench.comfy.check import preflight
from lorabench.comfy.check.described import Unstarted
from lorabench.comfy.client import options


def main(arguments: argparse.Namespace) -> None:
    """Check the sweep that the command line describes."""
    loras = options.installed(arguments)
    sweep = preflight.Sweep(
        workflow=arguments.workflow,
        choices=options.choices(arguments),
        cell=options.cell(
            arguments, [lora.name for lora in loras], weight=1, seed=0, prefix="preflight"
        ),
        loras=loras,
        trigger=arguments.trigger,
    )
    unstarted = not loras and arguments.comfy_url == "embedded"
    graph = preflight.settle(
        sweep,
        [Unstarted(options.library(arguments))] if unstarted else options.addresses(arguments),
    )
    if graph and arguments.kept:
        preflight.check_kept(graph, arguments.kept, arguments.workflow)
    if graph and arguments.output:
        preflight.keep(graph, arguments.output)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    options.add_lora(parser, required=False)
    add("--output", type=Path, metavar="JSON", help="write the graph here, in API format")
    add("--kept", type=Path, metavar="JSON", help="the graph has to be this one")
    add("--trigger", default="", metavar="WORDS", help="what calls the LoRA, as plain text")
    options.add_workflow(parser)
    options.add_servers(parser)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
