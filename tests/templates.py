"""ComfyUI's official templates, of the package `comfyui-workflow-templates-json`, to be benched."""

import json
from collections.abc import Iterator
from importlib.resources import files

_TEMPLATES = files("comfyui_workflow_templates_json") / "templates"
_LOADERS = ("UNETLoader", "CheckpointLoaderSimple")


def of_pictures() -> dict[str, dict]:
    """Return the workflows with a sampler in the index's categories of pictures, by name."""
    found = {}
    for category in json.loads((_TEMPLATES / "index.json").read_text("utf-8")):
        for entry in category["templates"]:
            path = _TEMPLATES / f"{entry['name']}.json"
            if category.get("type") == "image" and path.is_file():
                content = json.loads(path.read_text("utf-8"))
                if any(_samples(node["type"]) for one in _graphs(content) for node in one["nodes"]):
                    found[entry["name"]] = content
    return found


def with_lora(content: dict) -> dict:
    """Return a template with the tested LoRA behind each loader of a model, as a user puts it."""
    content = json.loads(json.dumps(content))
    for graph in _graphs(content):
        for loader in [node for node in graph["nodes"] if node["type"] in _LOADERS]:
            _put_behind(graph, loader)
    return content


def _graphs(content: dict) -> Iterator[dict]:
    yield content
    yield from (content.get("definitions") or {}).get("subgraphs") or []


def _samples(class_type: str) -> bool:
    return "KSampler" in class_type or class_type.startswith("SamplerCustom")


def _put_behind(graph: dict, loader: dict) -> None:
    model, *_ = loader["outputs"]
    behind = set(model.get("links") or [])
    if not behind:
        return
    new = 1000 + max(node["id"] for node in graph["nodes"])
    for link in graph["links"]:
        if isinstance(link, list) and link[0] in behind:
            link[1:3] = new, 0
        elif isinstance(link, dict) and link["id"] in behind:
            link |= {"origin_id": new, "origin_slot": 0}
    number = 100_000 + new
    ends = (loader["id"], 0, new, 0)
    if isinstance(graph["links"][0], list):
        graph["links"].append([number, *ends, "MODEL"])
    else:
        names = ("origin_id", "origin_slot", "target_id", "target_slot")
        graph["links"].append({"id": number, **dict(zip(names, ends, strict=True))})
    graph["nodes"].append(
        {
            "id": new,
            "type": "LoraLoaderModelOnly",
            "inputs": [{"name": "model", "type": "MODEL", "link": number}],
            "outputs": [{"name": "MODEL", "type": "MODEL", "links": sorted(behind)}],
            "widgets_values": ["LORA_UNDER_TEST.safetensors", 1],
        }
    )
    model["links"] = [number]
