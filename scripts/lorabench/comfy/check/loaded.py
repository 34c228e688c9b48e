"""Find which checkpoint or model a workflow loads, without a server if possible."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.graph.roles import Choices, find_roles
from lorabench.comfy.graph.workflow import GuiWorkflow
from lorabench.comfy.gui.links import running_nodes
from lorabench.errors import UserError
from lorabench.lora import pair

PLACEHOLDER = re.compile(r"(.*[/_ -])?checkpoint[_ -]under[_ -]test.*", re.IGNORECASE)
"""File names that stand for the checkpoint that a LoRA was trained on."""


def checkpoint(content: Graph | GuiWorkflow, choices: Choices) -> str | None:
    """Return the name of the model that the LoRA is applied to; None if unknown."""
    try:
        graph = content
        if isinstance(content, GuiWorkflow):
            from lorabench.comfy.gui.convert import to_api  # it imports a converter that few need

            graph = to_api(content, catalog.object_info(Library.nowhere()))
        roles = find_roles(graph, choices)
    except UserError:  # it has custom nodes, which only its server can describe
        return _in_gui(content) if isinstance(content, GuiWorkflow) else None
    names = [graph[node]["inputs"][key] for node, key in roles.checkpoint]
    return names[0] if names and isinstance(names[0], str) else None


def has_two_models(content: Mapping[str, Any], lora_node: str | None) -> bool:
    """Return whether a GUI workflow has two models with a LoRA loader each, by the files' names.

    `lora_node` is the user's choice of loaders, which counts before them.
    """
    if lora_node:
        return "," in lora_node
    try:
        loaders = [
            (str(node.body["type"]), node.body["widgets_values"])
            for node in running_nodes(content)
            if "Loader" in str(node.body.get("type"))
        ]
        loras = [kind for kind, _ in loaders if "Lora" in kind]
        named = [str(value) for _, values in loaders for value in values]
    except (UserError, KeyError, TypeError, AttributeError):
        return False
    sides = {pair.side(PurePath(name.replace("\\", "/")).stem) for name in named}
    return len(loras) > 1 and sides >= set(pair.SIDES)


def _in_gui(content: Mapping[str, Any]) -> str | None:
    """Return the checkpoint of a GUI workflow with only one loader."""
    try:
        loaders = [
            node.body
            for node in running_nodes(content)
            if "CheckpointLoader" in str(node.body.get("type"))
        ]
        (name,) = {loader["widgets_values"][0] for loader in loaders}
    except (UserError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None
