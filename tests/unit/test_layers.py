"""The rooms of the package: each imports only from those below it, and no modules in a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "scripts" / "lorabench"
ROOMS = (
    *("workflow", "pages", "run", "bench", "train", "comfy", "dataset", "sweep", "lora", "base"),
    *("settings", "cli", "text"),
)
"""From top to bottom; the loose files come last, but for cli, which shows bars."""
LOOSE = ("errors", "files", "digests", "layout", "parent")
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imports(module):
    """The modules of the package that one imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found & MODULES.keys()


def room(module):
    return module.split(".")[1] if "." in module else module


def level(module):
    return ROOMS.index(room(module)) if room(module) in ROOMS else len(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_from_a_room_above_its_own(module):
    assert [other for other in imports(module) if level(other) < level(module)] == []


def test_modules_do_not_import_each_other_in_a_circle():
    try:
        TopologicalSorter({module: imports(module) for module in MODULES}).prepare()
    except CycleError as circle:
        pytest.fail(" <- ".join(circle.args[1]))


def test_every_module_is_in_a_room():
    loose = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))
    }
    assert loose == {*ROOMS, *LOOSE, "__init__"}
