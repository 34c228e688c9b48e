"""What ComfyUI's own frontend sends for the official templates, as a digest of each.

    uv run python -m tests.frontend http://127.0.0.1:8188

loads every template into the frontend of a running ComfyUI, in Chromium, and records what it would
send. `tests/workflows/frontend_digests.json` came from ComfyUI 0.33.0 without custom and API nodes.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests import templates

RECORD = Path(__file__).parent / "workflows" / "frontend_digests.json"

VIEWERS = ("ImageCompare",)
"""Classes that only show pictures: they have no outputs, so no picture depends on them."""

_SENT = """async (content) => {
    await window.app.loadGraphData(content);
    return (await window.app.graphToPrompt()).output;
}"""


def digest(graph: dict[str, dict]) -> str:
    """Return a digest of the nodes' ids, classes and inputs, without titles, order and viewers."""
    nodes = {
        node: [body["class_type"], _plain(body["inputs"])]
        for node, body in graph.items()
        if body["class_type"] not in VIEWERS
    }
    return hashlib.sha256(json.dumps(nodes, sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """Return a value with its numbers as decimals: JavaScript has no others."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def record(url: str) -> dict[str, Any]:
    """Return the frontend's version and digests of each template, as it is and with the LoRA."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("window.app?.graph && window.app.extensionManager")
        page.wait_for_timeout(5000)  # its extensions are registered, and its first graph is open
        digests = {
            name: [digest(page.evaluate(_SENT, one)) for one in (plain, templates.with_lora(plain))]
            for name, plain in templates.of_pictures().items()
        }
        version = page.evaluate("window.__COMFYUI_FRONTEND_VERSION__")
        browser.close()
    return {"frontend": version, "digests": digests}


def _written(found: dict[str, Any]) -> str:
    lines = (f"  {json.dumps(name)}: {json.dumps(both)}" for name, both in found["digests"].items())
    head = f' "frontend": {json.dumps(found["frontend"])},\n "digests": {{\n'
    return "{\n" + head + ",\n".join(lines) + "\n }\n}\n"


if __name__ == "__main__":
    RECORD.write_text(_written(record(sys.argv[1])), encoding="utf-8")
