"""Read the benchmark's workflow before anything starts, to report mistakes at once."""

from pathlib import Path
from typing import NamedTuple

from lorabench.comfy.check import loaded
from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.graph.roles import Choices, find_roles, prompt
from lorabench.comfy.gui import stopped
from lorabench.errors import UserError
from lorabench.settings.models import Config
from lorabench.settings.servers import EMBEDDED


class BenchWorkflow(NamedTuple):
    """What a plan needs of the workflow."""

    prompt: str | None
    """Its prompt; None if only servers can read it."""
    paired: bool
    """Whether it has two models, each with a LoRA file of its own."""


def read(config: Config) -> BenchWorkflow:
    """Return what the workflow has; raises `UserError`."""
    path = Path(config.bench_workflow)
    if path.is_dir():
        raise UserError(f"bench_workflow: {path} is a folder; name a workflow JSON")
    if not path.is_file():
        near = ", ".join(str(p) for p in sorted(Path("config/workflows").rglob("*.json")))
        raise UserError(f"bench_workflow: there is no file {path}. Bundled ones: {near}")
    content = graph = _read_workflow(path)
    try:
        if isinstance(graph, workflow.GuiWorkflow):
            if config.comfy_url != EMBEDDED:
                # The servers are asked before the first job.
                return BenchWorkflow(None, loaded.has_two_models(graph, config.bench.lora_node))
            from lorabench.comfy.gui.convert import to_api  # it imports a converter that few need

            graph = to_api(graph, catalog.object_info(Library.nowhere()))
        with stopped.named(content):
            roles = find_roles(graph, Choices(**config.bench.nodes))
    except UserError as error:
        raise UserError(f"bench_workflow: {path}: {error}") from None
    if config.prompts and not roles.positive:
        why = roles.reasons["positive"]
        raise UserError(f"prompts: {path}: {why}{stopped.hint(content)}")
    return BenchWorkflow(prompt(graph, roles), len(roles.loras) > 1)


def _read_workflow(path: Path) -> Graph | workflow.GuiWorkflow:
    try:
        return workflow.read(path)
    except UserError as error:
        raise UserError(f"bench_workflow: {error}") from None
