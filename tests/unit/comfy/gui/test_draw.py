from pathlib import Path

from lorabench.comfy.graph.workflow import load
from lorabench.comfy.gui.draw import to_gui

SEED = {"default": 0, "control_after_generate": True}
NODE_INFO = {
    "CheckpointLoaderSimple": {
        "input": {"required": {"ckpt_name": [["a", "b"], {}]}},
        "output": ["MODEL", "CLIP", "VAE"],
        "output_name": ["MODEL", "CLIP", "VAE"],
    },
    "LoraLoader": {
        "input": {
            "required": {
                "model": ["MODEL"],
                "clip": ["CLIP", {}],
                "lora_name": ["COMBO", {"options": ["x"]}],
                "strength_model": ["FLOAT", {"default": 1.0}],
                "strength_clip": ["FLOAT", {"default": 1.0}],
            }
        },
        "output": ["MODEL", "CLIP"],
        "output_name": ["MODEL", "CLIP"],
    },
    "CLIPTextEncode": {
        "input": {"required": {"text": ["STRING", {"multiline": True}], "clip": ["CLIP"]}},
        "output": ["CONDITIONING"],
        "output_name": ["CONDITIONING"],
    },
    "EmptyLatentImage": {
        "input": {
            "required": {"width": ["INT", {}], "height": ["INT", {}], "batch_size": ["INT", {}]}
        },
        "output": ["LATENT"],
        "output_name": ["LATENT"],
    },
    "KSampler": {
        "input": {
            "required": {
                "model": ["MODEL"],
                "seed": ["INT", SEED],
                "steps": ["INT", {}],
                "cfg": ["FLOAT", {}],
                "sampler_name": [["euler"]],
                "scheduler": [["normal"]],
                "positive": ["CONDITIONING"],
                "negative": ["CONDITIONING"],
                "latent_image": ["LATENT"],
                "denoise": ["FLOAT", {"default": 1.0}],
            },
            "optional": {"rounds": ["INT", {"default": 4}]},
        },
        "output": ["LATENT"],
        "output_name": ["LATENT"],
    },
    "VAEDecode": {
        "input": {"required": {"samples": ["LATENT"], "vae": ["VAE"]}},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
    },
    "SaveImage": {
        "input": {
            "required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]},
            "hidden": {"prompt": "PROMPT"},
        },
        "output": [],
        "output_name": [],
    },
    "PrimitiveInt": {
        "input": {"required": {"value": ["INT", SEED]}},
        "output": ["INT"],
        "output_name": ["INT"],
    },
}


def bundled():
    return load(Path("config/workflows/drawnworld_lora_bench.json"))


def by_type(gui):
    return {node["type"]: node for node in gui["nodes"]}


def back(gui):
    """The graph that ComfyUI's frontend would make of `gui`: walks the widgets in order."""
    links = {link[0]: [str(link[1]), link[2]] for link in gui["links"]}
    graph = {}
    for node in gui["nodes"]:
        values = iter(node["widgets_values"])
        inputs = {}
        for group in ("required", "optional"):
            definitions = NODE_INFO[node["type"]]["input"].get(group, {})
            for name, (kind, *options) in definitions.items():
                if isinstance(kind, list) or kind in ("INT", "FLOAT", "STRING", "COMBO"):
                    inputs[name] = next(values)
                    if options and options[0].get("control_after_generate"):
                        assert next(values) == "fixed"
        assert list(values) == []
        for entry in node["inputs"]:
            if entry["link"] is not None:
                inputs[entry["name"]] = links[entry["link"]]
        graph[str(node["id"])] = {
            "class_type": node["type"], "inputs": inputs, "_meta": {"title": node["title"]},
        }  # fmt: skip
    return graph


def test_the_way_there_and_back_gives_the_same_graph():
    graph = bundled()
    result = back(to_gui(graph, NODE_INFO))
    assert result["6"]["inputs"].pop("rounds") == 4  # an optional input takes its default
    assert result == graph


def test_links_are_known_at_both_ends():
    gui = to_gui(bundled(), NODE_INFO)
    nodes = {node["id"]: node for node in gui["nodes"]}
    for number, source, output, target, slot, kind in gui["links"]:
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[target]["inputs"][slot]["link"] == number
        assert nodes[target]["inputs"][slot]["type"] == kind
    assert gui["last_link_id"] == len(gui["links"]) == 11
    assert gui["last_node_id"] == 8


def test_a_linked_widget_becomes_an_input_and_keeps_its_place():
    graph = bundled()
    graph["number"] = {"class_type": "PrimitiveInt", "inputs": {"value": 7}}
    graph["6"]["inputs"]["seed"] = ["number", 0]
    nodes = by_type(to_gui(graph, NODE_INFO))
    sampler = nodes["KSampler"]
    assert sampler["widgets_values"][:3] == [0, "fixed", 20]
    assert sampler["inputs"][-1] == {
        "name": "seed", "type": "INT", "link": sampler["inputs"][-1]["link"],
        "widget": {"name": "seed"},
    }  # fmt: skip
    assert sampler["inputs"][-1]["link"]
    assert nodes["PrimitiveInt"]["id"] == 9


def test_nodes_stand_left_of_what_they_feed_and_do_not_overlap():
    gui = to_gui(bundled(), NODE_INFO)
    nodes = {node["id"]: node for node in gui["nodes"]}
    for _, source, _, target, _, _ in gui["links"]:
        left, right = nodes[source], nodes[target]
        assert left["pos"][0] + left["size"][0] < right["pos"][0]
        assert left["order"] < right["order"]
    for one in gui["nodes"]:
        for other in gui["nodes"]:
            if one is not other and one["pos"][0] == other["pos"][0]:
                first, second = sorted((one, other), key=lambda node: node["pos"][1])
                assert first["pos"][1] + first["size"][1] < second["pos"][1]


def test_without_knowledge_of_a_class_there_is_none():
    less = {name: info for name, info in NODE_INFO.items() if name != "LoraLoader"}
    assert to_gui(bundled(), less) is None


def test_a_link_from_an_output_that_is_not_there_is_left_out():
    graph = bundled()
    graph["7"]["inputs"]["vae"] = ["1", 5]
    assert len(to_gui(graph, NODE_INFO)["links"]) == 10
