"""What a check reads of a server: of one that answers, or of the embedded one before its start."""

from dataclasses import dataclass
from typing import Protocol

from lorabench.comfy.client.refusals import Outage
from lorabench.comfy.client.shapes import CLASS, FOLDERS, fits, read
from lorabench.comfy.client.transport import Transport
from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.gui.object_info import NodeInfo


class Described(Protocol):
    """A server as it describes itself. Raises `UserError` where it does not answer."""

    @property
    def url(self) -> str:
        """Its name in messages."""
        ...

    def all_classes(self) -> NodeInfo:
        """Return `/object_info`."""
        ...

    def classes_of(self, graph: Graph) -> NodeInfo:
        """Return those entries that a graph needs, as far as the server has them."""
        ...

    def has_picture(self, folder: str, name: str, kind: str) -> bool:
        """Return whether it has a picture in a subfolder of its `input`, `output` or `temp`."""
        ...

    def lora_folders(self) -> list[str]:
        """Return where it reads LoRAs; empty if unknown."""
        ...


@dataclass(frozen=True)
class Answering:
    """A server that answers."""

    transport: Transport

    @property
    def url(self) -> str:
        """Its address."""
        return self.transport.url

    def all_classes(self) -> NodeInfo:
        """Return the entries that can be read."""
        info = self.transport.get_json("/object_info", {str: object})
        return {name: one for name, one in info.items() if fits(one, CLASS)}

    def classes_of(self, graph: Graph) -> NodeInfo:
        """Return them one by one: all are megabytes."""
        return self.transport.node_info(graph)

    def has_picture(self, folder: str, name: str, kind: str) -> bool:
        """Return whether the server shows it."""
        query = {"filename": name, "subfolder": folder, "type": kind}
        return self.transport.ask("/view", lambda answer: answer.ok, query)

    def lora_folders(self) -> list[str]:
        """Return what an internal route says, which may change."""
        try:
            answer = read(self.transport.once("GET", "/internal/folder_paths", timeout=5), FOLDERS)
        except (Outage, ValueError):
            return []
        return list(answer["loras"])


@dataclass(frozen=True)
class Unstarted:
    """The embedded server, which need not run, nor load torch, to be described."""

    library: Library
    url: str = "the embedded server"

    def all_classes(self) -> NodeInfo:
        """Return what it will declare."""
        return catalog.object_info(self.library)

    def classes_of(self, graph: Graph) -> NodeInfo:
        """Return what it will declare of these classes."""
        classes = {body["class_type"] for body in graph.values()}
        return {name: one for name, one in self.all_classes().items() if name in classes}

    def has_picture(self, folder: str, name: str, kind: str) -> bool:
        """Return whether it will find the picture."""
        return self.library.path("input", f"{folder}/{name} [{kind}]".lstrip("/")) is not None

    def lora_folders(self) -> list[str]:
        """Return its only one."""
        return [str(self.library.loras_dir)]
