"""The command line of a benchmark's programs: a workflow, its nodes, its servers."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from lorabench import cli, parent
from lorabench.comfy.embedded.library import INPUT_DIR, Library
from lorabench.comfy.graph.patching import Cell
from lorabench.comfy.graph.roles import Choices
from lorabench.errors import UserError
from lorabench.lora.installed import read_here
from lorabench.lora.receipt import Receipt
from lorabench.settings.servers import EMBEDDED, lend, servers, shown
from lorabench.settings.size import sides

ROLES = tuple(field.name for field in fields(Choices))


@dataclass(frozen=True)
class Address:
    """Where a server is; `revive`, for one of ours, starts it if needed and returns its URL."""

    url: str
    revive: Callable[[], str] | None = None


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """Add the options for the graph."""
    add = parser.add_argument
    add("--workflow", type=Path, required=True, metavar="JSON", help="a ComfyUI workflow")
    add("--batch-size", type=cli.positive, default=1, help="pictures in a cell (default: 1)")
    add("--positive", help="replaces the workflow's prompt")
    add("--negative", help="replaces the workflow's negative prompt")
    add("--checkpoint", metavar="NAME", help="replaces the workflow's checkpoint")
    add("--size", type=_pixels, metavar="WIDTHxHEIGHT", help="replaces the workflow's, in px")
    for role in ROLES:
        add(f"--{role}-node", metavar="ID", help=f"the {role} node, by id or title, where the"
            " workflow leaves a choice")  # fmt: skip


def _pixels(text: str) -> tuple[int, int]:
    try:
        return sides(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def add_lora(parser: argparse.ArgumentParser, required: bool) -> None:
    """Add the options for the LoRA: its file, or that for high noise and that for low noise."""
    add = parser.add_argument
    add("--lora-receipt", type=Path, nargs="+", required=required, default=[], metavar="JSON",
        help="from install_lora.py; of a LoRA of two files, that for high noise first")  # fmt: skip
    add("--lora", type=Path, nargs="+", metavar="FILE",
        help="its files themselves, to install them where that is undone")  # fmt: skip


def installed(arguments: argparse.Namespace) -> list[Receipt]:
    """Return the LoRA's receipts, and install again what is missing here."""
    receipts = arguments.lora_receipt
    loras = arguments.lora or [None] * len(receipts)
    return [read_here(path, lora) for path, lora in zip(receipts, loras, strict=True)]


def add_servers(parser: argparse.ArgumentParser) -> None:
    """Add the options for the servers."""
    parser.add_argument("--comfy-url", default="embedded", help="embedded, or URLs separated by"
        " commas; a cell goes to the server with the shortest queue")  # fmt: skip
    server = parser.add_argument_group("embedded server", "for --comfy-url embedded")
    add = server.add_argument
    add("--server-state", type=Path, metavar="FILE", help="the server writes its address here")
    add("--models-dir", type=Path, default=Path("models"), metavar="DIR")
    add("--loras-dir", type=Path, default=Path("models/loras"), metavar="DIR")
    add("--server-output-dir", type=Path, default=Path("output"), metavar="DIR")
    add("--server-checkpoint", type=Path, action="append", default=[], metavar="PATH",
        help="a checkpoint outside the models folder; may be repeated")  # fmt: skip
    add("--threads", type=cli.positive, default=1, help="CPU threads (default: 1)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    add("--dtype", default="auto", choices=("auto", "fp32", "fp16", "bf16"))
    add("--idle-timeout", type=float, default=600, metavar="SECONDS",
        help="the server ends after this time without a prompt (default: 600)")  # fmt: skip


def choices(arguments: argparse.Namespace) -> Choices:
    """Return the nodes that the command line names."""
    return Choices(**{role: getattr(arguments, f"{role}_node") for role in ROLES})


def cell(
    arguments: argparse.Namespace, loras: Sequence[str], *, weight: float, seed: int, prefix: str
) -> Cell:
    """Return a cell, with the command line's values for all cells."""
    return Cell(
        loras=tuple(loras),
        weight=weight,
        seed=seed,
        prefix=prefix,
        batch_size=arguments.batch_size,
        positive=arguments.positive,
        negative=arguments.negative,
        checkpoint=arguments.checkpoint,
        size=arguments.size,
    )


def library(arguments: argparse.Namespace) -> Library:
    """Return the files that the embedded server will find."""
    return replace(
        Library.nowhere(),
        models_dir=arguments.models_dir,
        loras_dir=arguments.loras_dir,
        output_dir=arguments.server_output_dir,
        checkpoints=arguments.server_checkpoint,
        input_dir=INPUT_DIR,
    )


def addresses(arguments: argparse.Namespace) -> list[Address]:
    """Return the servers; the embedded one is started if it is not there yet."""
    given = arguments.comfy_url.split(",")
    try:
        urls = servers(given)
    except ValueError as error:
        raise UserError(f"comfy_url: {shown(arguments.comfy_url)}: {error}") from None
    if urls != EMBEDDED:
        lend(given)
        return [Address(url) for url in urls]
    revive = _embedded(arguments)
    return [Address(revive(), revive)]


def _embedded(arguments: argparse.Namespace) -> Callable[[], str]:
    # Imported only here, because most cells start no server.
    from lorabench.comfy.client.launch import ServerOptions, ensure_server

    if not arguments.server_state:
        raise UserError("comfy_url = embedded needs --server-state FILE")
    options = ServerOptions(
        models_dir=arguments.models_dir,
        loras_dir=arguments.loras_dir,
        output_dir=arguments.server_output_dir,
        checkpoints=tuple(arguments.server_checkpoint),
        threads=arguments.threads,
        device=arguments.device,
        dtype=arguments.dtype,
        idle_timeout=arguments.idle_timeout,
        parent_pid=parent.workflow_pid(),
    )
    return lambda: ensure_server(arguments.server_state, options)
