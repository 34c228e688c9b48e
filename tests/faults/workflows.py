"""Read, patch and submit spoilt workflows: a mistake is named, and the server never fails."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lorabench.comfy.check import preflight
from lorabench.comfy.client.options import Address
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.patching import Cell, patch
from lorabench.comfy.graph.roles import Choices, find_roles, prompt
from lorabench.comfy.gui.convert import to_api
from lorabench.errors import UserError
from tests.embedded import serving
from tests.faults import harness, mutate

ROOT = Path(__file__).parents[2]
PLACES = ("config/workflows", "config/workflows/gui", "tests/workflows/api", "tests/workflows/gui")
CELL = Cell(loras=("a.safetensors",), weight=0.5, seed=1, prefix="faults", batch_size=1,
            positive="ink, a cat", negative=None, checkpoint=None)  # fmt: skip


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield workflows of both formats: with other values, spoilt bytes, and in pictures."""
    files = sorted(path for place in PLACES for path in (ROOT / place).glob("*.json"))
    for number in range(cases):
        dice = Random(f"{seed} {number}")
        path = dice.choice(files)
        content = json.loads(path.read_bytes())
        how = dice.randrange(10)
        if how == 0:
            yield f"{number}, {path.name}, bytes", mutate.spoil(path.read_bytes(), dice)
        elif how == 1:
            deep = mutate.deep(dice.choice((50, 900, 100_000)), dice)
            yield f"{number}, deep", deep.encode()
        elif how == 2:
            picture = _drawn(mutate.as_json(mutate.bend(content, dice)), dice)
            yield f"{number}, {path.name}, picture", mutate.spoil(picture, dice)
        elif how == 3:
            node = dice.choice([one for one in content.values() if isinstance(one, dict)] or [{}])
            node["_meta"] = dice.choice(
                ([], ["title"], None, 5, {"title": dice.choice(mutate.ODD)})
            )
            yield f"{number}, {path.name}, _meta", mutate.as_json(content)
        else:
            bent = mutate.bend(content, dice)
            yield f"{number}, {path.name}, values", mutate.as_json(bent)


def _drawn(graph: bytes, dice: Random) -> bytes:
    chunks = PngInfo()
    text = graph.decode("utf-8", "replace")
    chunks.add_itxt(
        dice.choice(("prompt", "workflow", "parameters")), text, zip=dice.random() < 0.5
    )
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


_served: Any = None
_open: Any = None
_info: dict[str, Any] = {}


def prepare(folder: Path) -> None:
    """Start the embedded server's routes, in this process and without a model."""
    global _served, _open
    _info.update(json.loads((ROOT / "tests" / "workflows" / "node_info.json").read_bytes()))
    (folder / "loras").mkdir()
    (folder / "loras" / "a.safetensors").touch()
    _open = serving(folder)
    _served = _open.__enter__()


def attempt(folder: Path, case: bytes) -> None:
    """Read a workflow as a plan does, check it on a server as a preflight does, and submit it."""
    path = folder / "workflow.json"
    path.write_bytes(case)
    said = None
    for use in (_plan, _check, _submit):
        try:
            use(path)
        except UserError as error:
            said = error
    if said:
        raise said


def _plan(path: Path) -> None:
    content = workflow.read(path)
    graph = to_api(content, _info) if isinstance(content, workflow.GuiWorkflow) else content
    roles = find_roles(graph, Choices())
    patch(graph, roles, CELL)
    prompt(graph, roles)


def _check(path: Path) -> None:
    preflight.settle(preflight.Sweep(path, Choices(), CELL, (), "ink"), [Address(_served.url)])


def _submit(path: Path) -> None:
    data = path.read_bytes()
    for body in (b'{"prompt": ' + data + b"}", data):
        status, answer = _served.ask("POST", "/prompt", body, {"Content-Type": "application/json"})
        assert status in (200, 400), (status, answer[:500])
        assert b"Traceback" not in answer, answer[:2000]
    _served.post("/queue", {"clear": True})


TRIAL = harness.Trial("workflows", make, attempt, prepare, seconds=30, megabytes=600)

if __name__ == "__main__":
    sys.exit(harness.main(TRIAL, 500))
