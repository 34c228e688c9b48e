"""List what a graph needs and a server lacks, by the server's own `/object_info`."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from lorabench.comfy.check.described import Described
from lorabench.comfy.client.unlisted import unlisted
from lorabench.comfy.graph.graph import Graph, Slot, describe, is_link
from lorabench.comfy.graph.roles import Roles
from lorabench.comfy.gui.object_info import ClassInfo, Input, NodeInfo, inputs, module
from lorabench.lora.receipt import Receipt

log = logging.getLogger(__name__)

MODEL_FOLDERS = {
    "ckpt_name": "checkpoints",
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "vae_name": "vae",
    "control_net_name": "controlnet",
}
"""Where a server looks for the files of these inputs; a number may follow their names."""
PICTURE = "put it into the server's input folder, or load it there in ComfyUI"


@dataclass(frozen=True)
class Requirements:
    """A graph with a cell in it, and a server; `info` is its `/object_info` of the graph's classes.

    Without its files in `loras`, the graph's LoRA is not checked. `stopped` ends a message on a
    missing link: what is switched off in the workflow.
    """

    graph: Graph
    roles: Roles
    info: NodeInfo
    server: Described
    loras: Sequence[Receipt]
    stopped: str = ""

    def unmet(self) -> Iterator[str]:
        """Yield each reason why the server cannot run the graph."""
        for node, body in self.graph.items():
            if body["class_type"] not in self.info:
                yield (
                    f"{self._node(node)}: the server has no such class. Install its custom node"
                    " there (ComfyUI-Manager finds it by this name) and restart the server, or"
                    " remove the node from the workflow"
                )
        for node in self._executed():
            for one in inputs(self._declared(node)):
                yield from self._unmet_input(node, one)
        executed = self._executed()
        for node, lora in zip(self.roles.loras, self.loras, strict=False):  # none: not installed
            if node in executed:
                yield from self._unlisted_lora(node, lora)

    def _executed(self) -> list[str]:
        """Return the known nodes whose results reach an output; only their inputs matter."""
        queue = [node for node in self.graph if self._declared(node).get("output_node")]
        for node in queue:
            links = filter(is_link, self.graph[node]["inputs"].values())
            queue += dict.fromkeys(source for source, _ in links if source not in queue)
        return [node for node in queue if self._declared(node)]

    def _unmet_input(self, node: str, one: Input) -> Iterator[str]:
        """Yield that a required value is missing, or a choice unknown."""
        slot = Slot(node, one.name)
        value = self.graph[node]["inputs"].get(one.name)
        if value is None:
            if one.required:
                yield (
                    f"{self._node(node)}: its input {one.name} is required and not given"
                    f"{self.stopped}"
                )
            return
        known = one.choices
        of_lora = node in (*self.roles.loras, *self.roles.idle) and one.name == "lora_name"
        if known is None or of_lora or isinstance(value, list | dict) or value in known:
            return
        uploaded = any(name.endswith("upload") for name in one.options)
        if uploaded and self._is_uploaded(str(value)):
            return
        hint = PICTURE if uploaded else self._hint(slot, str(value))
        problem = f"{self._node(node)}: {unlisted(one.name, str(value), known)}; {hint}"
        if module(self._declared(node)).startswith("custom_nodes"):
            log.warning("%s: %s (a custom node may know better)", self.server.url, problem)
        else:
            yield problem

    def _hint(self, slot: Slot, value: str) -> str:
        """Return what to do about a choice that the server does not have."""
        another = "choose another in the workflow"
        if slot in self.roles.checkpoint:
            another = "name one that is there with --config 'bench={checkpoint: NAME}'"
        elif not ("_name" in slot.input and PurePath(value).suffix):
            return another
        folder = MODEL_FOLDERS.get(slot.input.rstrip("123456789"))
        there = (
            f"into the server's models/{folder}" if folder else "where the server keeps such files"
        )
        return f"put it {there}, or {another}"

    def _unlisted_lora(self, node: str, lora: Receipt) -> Iterator[str]:
        """Yield that the server does not list the installed LoRA, and the right folder."""
        declared = {one.name: one for one in inputs(self._declared(node))}
        known = declared["lora_name"].choices if "lora_name" in declared else None
        if known is None or lora.name in known:
            return
        within = [name for name in known if name.replace("\\", "/").endswith(f"/{lora.name}")]
        if within:
            reason = f"it lists it as {within[0]}, because that folder is inside its own"
        else:
            reason = unlisted("lora_name", lora.name, known)
        yield (
            f"the LoRA was installed in {lora.path.parent.resolve()}, which is not where this"
            f" server reads LoRAs: {reason}. lora_install_dir must be that folder"
            f"{self._lora_folders()}; in Docker, the one that comfy-docker/docker-compose.yml"
            " mounts there"
        )

    def _lora_folders(self) -> str:
        """Return the server's own LoRA folders in brackets, or nothing."""
        folders = self.server.lora_folders()
        return f" (on the server: {', '.join(folders)})" if folders else ""

    def _is_uploaded(self, value: str) -> bool:
        """Return whether the server has the picture `folder/name.png [type]`; it lists fewer."""
        name, mark, kind = value.removesuffix("]").rpartition(" [")
        subfolder, _, filename = (name if mark else value).rpartition("/")
        return self.server.has_picture(subfolder, filename, kind if mark else "input")

    def _node(self, node: str) -> str:
        return f"node {describe(self.graph, node)}"

    def _declared(self, node: str) -> ClassInfo:
        return self.info.get(self.graph[node]["class_type"], {})
