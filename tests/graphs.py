"""Small API graphs to find roles in and to patch."""

import copy

from lorabench.comfy.graph.patching import Cell, patch
from lorabench.comfy.graph.roles import find_roles

CELL = Cell(loras=("new.safetensors",), weight=0.4, seed=7, prefix="runs/r/bench/w0.40/seed7")


def node(class_type, title=None, **inputs):
    body = {"class_type": class_type, "inputs": inputs}
    return body | ({"_meta": {"title": title}} if title else {})


def a_graph(**changes):
    """Text to image with one LoRA; `changes` replace or add nodes, None removes one."""
    graph = {
        "ckpt": node("CheckpointLoaderSimple", ckpt_name="a.safetensors"),
        "lora": node(
            "LoraLoader", model=["ckpt", 0], clip=["ckpt", 1], lora_name="old.safetensors",
            strength_model=1.0, strength_clip=1.0,
        ),
        "pos": node("CLIPTextEncode", "Prompt", clip=["lora", 1], text="a cat"),
        "neg": node("CLIPTextEncode", "Prompt", clip=["lora", 1], text="blurry"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler", model=["lora", 0], positive=["pos", 0], negative=["neg", 0],
            latent_image=["latent", 0], seed=1, steps=2,
        ),
        "vae": node("VAEDecode", samples=["sampler", 0], vae=["ckpt", 2]),
        "save": node("SaveImage", images=["vae", 0], filename_prefix="x"),
    }  # fmt: skip
    graph |= changes
    return {key: copy.deepcopy(value) for key, value in graph.items() if value}


def changed(graph, name, **inputs):
    """The node `name` of `graph` with other inputs."""
    return {**graph[name], "inputs": {**graph[name]["inputs"], **inputs}}


def patched(graph, choices=None, **cell):
    roles = find_roles(graph, choices)
    return patch(graph, roles, Cell(**{**CELL.__dict__, **cell}))


def two_models(**changes):
    """Text to image with a model for high noise and one for low noise, each with its LoRA.

    `changes` replace nodes, None removes one. No name says which model is which.
    """

    def sampler(model, latent, first):
        return node(
            "KSamplerAdvanced", model=[model, 0], positive=["pos", 0], negative=["neg", 0],
            latent_image=[latent, 0], noise_seed=1, add_noise="enable" if first else "disable",
            start_at_step=0 if first else 1, steps=2,
        )  # fmt: skip

    def lora(model):
        return node(
            "LoraLoaderModelOnly", model=[model, 0], lora_name="old.safetensors", strength_model=1.0
        )

    graph = {
        "later": sampler("lora b", "earlier", False),
        "lora b": lora("b"),
        "lora a": lora("a"),
        "b": node("UNETLoader", unet_name="b.safetensors"),
        "a": node("UNETLoader", unet_name="a.safetensors"),
        "clip": node("CLIPLoader", clip_name="t5.safetensors", type="wan"),
        "pos": node("CLIPTextEncode", clip=["clip", 0], text="a cat"),
        "neg": node("CLIPTextEncode", clip=["clip", 0], text="blurry"),
        "latent": node("EmptyHunyuanLatentVideo", width=64, height=64, length=1, batch_size=1),
        "earlier": sampler("lora a", "latent", True),
        "vae": node("VAEDecode", samples=["later", 0], vae=["vae file", 0]),
        "vae file": node("VAELoader", vae_name="vae.safetensors"),
        "save": node("SaveImage", images=["vae", 0], filename_prefix="x"),
    }
    graph |= changes
    return {key: copy.deepcopy(value) for key, value in graph.items() if value}


def text_to_image():
    """The plain graph, as the embedded server takes it; a new one at each call."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["1", 1]}},
        "3": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1},
        },
        "4": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0],
                "seed": 1,
                "steps": 2,
                "cfg": 7,
                "sampler_name": "euler",
                "scheduler": "normal",
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
                "denoise": 1,
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}},
    }


def two_loras():
    """Return a graph with the tested LoRA behind another one."""
    other = node(
        "LoraLoader", "Detail", model=["ckpt", 0], clip=["ckpt", 1], lora_name="detail.safetensors",
        strength_model=0.5, strength_clip=0.5,
    )  # fmt: skip
    graph = a_graph(first=other)
    graph["lora"] = changed(graph, "lora", model=["first", 0], clip=["first", 1])
    return graph


def with_refiner():
    """SDXL's base and refiner: two KSamplerAdvanced in a row, of which the first adds noise."""
    graph = a_graph()
    sampler = graph["sampler"]["inputs"]
    first = {k: v for k, v in sampler.items() if k != "seed"} | {"noise_seed": 1}
    graph |= {
        "refiner": node("CheckpointLoaderSimple", ckpt_name="refiner.safetensors"),
        "rpos": node("CLIPTextEncodeSDXLRefiner", clip=["refiner", 1], text="a cat"),
        "rneg": node("CLIPTextEncodeSDXLRefiner", clip=["refiner", 1], text="blurry"),
        "sampler": node("KSamplerAdvanced", **first, add_noise="enable"),
    }
    second = first | {
        "model": ["refiner", 0], "positive": ["rpos", 0], "negative": ["rneg", 0],
        "latent_image": ["sampler", 0], "add_noise": "disable", "noise_seed": 0,
    }  # fmt: skip
    graph["second"] = node("KSamplerAdvanced", **second)
    graph["vae"] = changed(graph, "vae", samples=["second", 0])
    return graph
