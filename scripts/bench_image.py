"""Render one cell of a LoRA benchmark: one weight, one seed, one batch of pictures.

Sets the workflow's LoRA, strengths, seed, file prefix, batch size and, if given, prompts and
checkpoint; has a ComfyUI server render it; checks the pictures and writes them as
<output-dir>/seed<seed>_<nn>.png.
"""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lorabench import cli, files
from lorabench.comfy.client import lora_keys, options, pictures
from lorabench.comfy.client.client import Client, Left
from lorabench.comfy.client.server_choice import Servers
from lorabench.comfy.client.transport import Away
from lorabench.comfy.client.waiting import Waiting
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.graph.patching import cell_slots, patch, shared_digest
from lorabench.comfy.graph.roles import Roles, find_roles, prompt
from lorabench.errors import UserError
from lorabench.lora.receipt import Receipt, check_again
from lorabench.sweep.label import CHUNK

log = logging.getLogger("lorabench")


def main(arguments: argparse.Namespace) -> None:
    """Render and publish the cell; after a failure, earlier pictures of it stay, dated back."""
    try:
        _draw(arguments)
    except BaseException:
        for number in range(arguments.batch_size):
            files.outdate(_picture(arguments, number))
        raise


def _draw(arguments: argparse.Namespace) -> None:
    loras = options.installed(arguments)
    graph = workflow.load(arguments.workflow)
    cell = options.cell(
        arguments,
        [lora.name for lora in loras],
        weight=arguments.weight,
        seed=arguments.seed,
        prefix=arguments.prefix,
    )
    try:
        roles = find_roles(graph, options.choices(arguments))
        sweep = shared_digest(graph, roles, cell)
        graph = patch(graph, roles, cell)
    except UserError as error:
        raise UserError(f"workflow {arguments.workflow}: {error}") from None

    clients = [
        Client(address.url, timeout=arguments.timeout, revive=address.revive)
        for address in options.addresses(arguments)
    ]
    start = time.monotonic()
    shared = arguments.server_state and arguments.server_state.parent
    _check_again(loras, arguments)
    waiting = Waiting(arguments.output_dir / f".seed{arguments.seed}.waiting", graph)
    try:
        url, drawn = _render(Servers(clients, shared), graph, roles, loras, arguments, waiting)
    finally:
        waiting.end()  # only a killed program leaves it
    pictures.check(drawn, graph, cell_slots(graph, roles))
    origin = {
        "run_id": arguments.run_id,
        "lora_sha256": "+".join(lora.sha256 for lora in loras),
        "graph": sweep,
        "prompt": prompt(graph, roles),
        "prompt_name": arguments.prompt_name,
        "probe": arguments.probe,
    }
    _publish(drawn, arguments, origin)
    cli.detail(
        "weight %.2f, seed %d: %d picture(s) from %s in %.1f s",
        cell.weight, cell.seed, len(drawn), url, time.monotonic() - start,
    )  # fmt: skip


def _render(
    servers: Servers,
    graph: Graph,
    roles: Roles,
    loras: Sequence[Receipt],
    arguments: argparse.Namespace,
    waiting: Waiting,
) -> tuple[str, list[bytes]]:
    """Render on the server with the shortest queue, or another; return its URL and pictures."""
    loaders = [graph[node] for node in roles.loras]
    paths = [lora.path for lora in loras]
    while True:
        with servers.turn() as over:
            client = servers.choose(waiting.left.url if waiting.left else None)
            leave = partial(servers.should_leave, client)
            try:
                with lora_keys.watched(client, loaders, paths, waiting):
                    drawn = client.render(
                        graph, roles.save, arguments.batch_size, over, leave, waiting
                    )
                _check_it_stayed(loras, arguments, client)
                servers.note(client)
                return client.url, drawn  # it may have moved
            except Left:
                cli.detail("%s is slow: going to a faster server, which is idle", client.url)
            except Away as error:
                servers.drop(client)
                if not servers.clients:
                    raise
                log.warning("%s; going to another server", error)


def _check_again(loras: Sequence[Receipt], arguments: argparse.Namespace) -> None:
    for lora, written in zip(loras, arguments.lora_receipt, strict=True):
        check_again(lora, written)


def _check_it_stayed(
    loras: Sequence[Receipt], arguments: argparse.Namespace, client: Client
) -> None:
    """Raise `UserError` if the installed LoRA was replaced while the server rendered."""
    try:
        _check_again(loras, arguments)
    except UserError:
        client.free_memory()  # it has loaded that file under this name
        raise


def _publish(
    drawn: list[bytes], arguments: argparse.Namespace, origin: Mapping[str, str | None]
) -> None:
    """Write the pictures with their labels; none gets its name before all are written."""
    files.remove_left(arguments.output_dir)
    with ExitStack() as stack:
        for number, data in enumerate(drawn):
            label = {
                **origin,
                "weight": arguments.weight,
                "seed": arguments.seed,
                "batch_index": number,
            }
            temporary = stack.enter_context(files.publish(_picture(arguments, number)))
            temporary.write_bytes(pictures.with_text(data, {CHUNK: label}))


def _picture(arguments: argparse.Namespace, number: int) -> Path:
    return arguments.output_dir / f"seed{arguments.seed}_{number:02d}.png"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    options.add_lora(parser, required=True)
    add("--run-id", required=True, help="the run's name, for the picture's metadata")
    add("--weight", type=float, required=True, help="both strengths of the LoRA; 0 is without")
    add("--seed", type=_seed, required=True, help="0 to 2^64 - 1")
    add("--prompt-name", default="", help="what the prompt is called, for the picture's metadata")
    add("--probe", default="", choices=("", "trigger", "untriggered"), help="likewise")
    add("--output-dir", type=Path, required=True, metavar="DIR", help="for seed<seed>_<nn>.png")
    add("--prefix", required=True, help="SaveImage's filename_prefix, on the server")
    add("--timeout", type=float, default=3600, metavar="SECONDS",
        help="for the whole cell, its time in the queue included (default: 3600)")  # fmt: skip
    options.add_workflow(parser)
    options.add_servers(parser)
    return parser


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2^64 - 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
