"""Render one cell of a LoRA benchmark: one weight, one seed, one batch of pictures.

The workflow's LoRA, strengths, seed, file prefix, batch size and, if given, prompts and
checkpoint are set; a ComfyUI server draws; the checked pictures appear as
<output-dir>/seed<seed>_<nn>.png.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from lorabench import cli, files, parent
from lorabench.bench.origin import CHUNK
from lorabench.comfy import pictures, workflow
from lorabench.comfy.client import Client, with_shortest_queue
from lorabench.errors import UserError

log = logging.getLogger("lorabench")

ROLES = tuple(field.name for field in fields(workflow.Choices))


def main(arguments: argparse.Namespace) -> None:
    """Render and publish the cell that the command line describes."""
    receipt = _receipt(arguments.lora_receipt)
    graph = workflow.load(arguments.workflow)
    cell = workflow.Cell(
        lora=receipt["name"],
        weight=arguments.weight,
        seed=arguments.seed,
        prefix=arguments.prefix,
        batch_size=arguments.batch_size,
        positive=arguments.positive,
        negative=arguments.negative,
        checkpoint=arguments.checkpoint,
    )
    choices = workflow.Choices(**{role: getattr(arguments, f"{role}_node") for role in ROLES})
    try:
        roles = workflow.find_roles(graph, choices)
        shared = workflow.shared_digest(graph, roles, cell)
        graph = workflow.patch(graph, roles, cell)
    except UserError as error:
        raise UserError(f"workflow {arguments.workflow}: {error}") from None

    client = _client(arguments)
    start = time.monotonic()
    drawn = client.render(graph, roles.save, cell.batch_size)
    pictures.check(drawn, graph, workflow.cell_slots(graph, roles))
    origin = {"run_id": arguments.run_id, "lora_sha256": receipt["sha256"], "graph": shared}
    _publish(drawn, arguments, origin)
    log.info(
        "weight %.2f, seed %d: %d picture(s) from %s in %.1f s",
        cell.weight, cell.seed, len(drawn), client.url, time.monotonic() - start,
    )  # fmt: skip


def _client(arguments: argparse.Namespace) -> Client:
    if arguments.comfy_url != "embedded":
        urls = [url.strip() for url in arguments.comfy_url.split(",") if url.strip()]
        if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
            raise UserError(
                f"comfy_url = {arguments.comfy_url!r}: expected embedded, or one or more"
                " URLs such as http://127.0.0.1:8188, separated by commas"
            )
        return with_shortest_queue([Client(url, timeout=arguments.timeout) for url in urls])

    # Starting a server is the exception: what only that needs is imported only here.
    from lorabench.comfy.launch import ServerOptions, ensure_server

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

    def revive() -> str:
        return ensure_server(arguments.server_state, options)

    return Client(revive(), timeout=arguments.timeout, revive=revive)


def _receipt(path: Path) -> dict[str, str]:
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
        return {"name": str(receipt["name"]), "sha256": str(receipt["sha256"])}
    except OSError as error:
        raise UserError(
            f"no LoRA receipt at {path} ({error.strerror}); install_lora.py writes it"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{path} is no LoRA receipt: JSON with name and sha256 is expected, as"
            " install_lora.py writes it"
        ) from None


def _publish(drawn: list[bytes], arguments: argparse.Namespace, origin: Mapping[str, str]) -> None:
    """Write the pictures with their labels; none gets its name before all are written."""
    with ExitStack() as stack:
        for number, data in enumerate(drawn):
            label = {
                **origin,
                "weight": arguments.weight,
                "seed": arguments.seed,
                "batch_index": number,
            }
            path = arguments.output_dir / f"seed{arguments.seed}_{number:02d}.png"
            temporary = stack.enter_context(files.publish(path))
            temporary.write_bytes(pictures.with_text(data, {CHUNK: label}))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--workflow", type=Path, required=True, metavar="JSON", help="in ComfyUI's API format")
    add("--comfy-url", default="embedded", help="embedded, or URLs separated by commas; the cell"
        " goes to the server with the shortest queue")  # fmt: skip
    add("--lora-receipt", type=Path, required=True, metavar="JSON", help="from install_lora.py")
    add("--run-id", required=True, help="the run's name, for the picture's metadata")
    add("--weight", type=float, required=True, help="both strengths of the LoRA; 0 is without")
    add("--seed", type=_seed, required=True, help="0 to 2^64 - 1")
    add("--batch-size", type=_positive, default=1, help="pictures in the cell (default: 1)")
    add("--output-dir", type=Path, required=True, metavar="DIR", help="for seed<seed>_<nn>.png")
    add("--prefix", required=True, help="SaveImage's filename_prefix, on the server")
    add("--positive", help="replaces the workflow's prompt")
    add("--negative", help="replaces the workflow's negative prompt")
    add("--checkpoint", metavar="NAME", help="replaces the workflow's checkpoint")
    add("--timeout", type=float, default=3600, metavar="SECONDS",
        help="for the whole cell, its time in the queue included (default: 3600)")  # fmt: skip
    for role in ROLES:
        add(f"--{role}-node", metavar="ID", help=f"the {role} node, by id or title, where the"
            " workflow leaves a choice")  # fmt: skip

    server = parser.add_argument_group("embedded server", "for --comfy-url embedded")
    add = server.add_argument
    add("--server-state", type=Path, metavar="FILE", help="where the server says that it listens")
    add("--models-dir", type=Path, default=Path("models"), metavar="DIR")
    add("--loras-dir", type=Path, default=Path("models/loras"), metavar="DIR")
    add("--server-output-dir", type=Path, default=Path("output"), metavar="DIR")
    add("--server-checkpoint", type=Path, action="append", default=[], metavar="PATH",
        help="a checkpoint outside the models folder; may be repeated")  # fmt: skip
    add("--threads", type=_positive, default=1, help="CPU threads (default: 1)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    add("--dtype", default="auto", choices=("auto", "fp32", "fp16", "bf16"))
    add("--idle-timeout", type=float, default=600, metavar="SECONDS",
        help="the server ends after so long without a prompt (default: 600)")  # fmt: skip
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2^64 - 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
