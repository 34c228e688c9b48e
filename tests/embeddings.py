"""Micro embeddings with random weights, as the folders that transformers loads."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTModel,
)
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

SIDE = 32
_LAYER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
_PATCHES = {"image_size": SIDE, "patch_size": 8}
CROP = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
_WORDS = ("[PAD]", "[UNK]", "[BOS]", "[EOS]", "a", "cat", "dog")
_IDS = {"vocab_size": len(_WORDS), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}


def save_clip(folder: Path) -> Path:
    """Write a CLIP that knows the words `a`, `cat` and `dog`."""
    torch.manual_seed(0)
    text = {**_LAYER, **_IDS, "intermediate_size": 16, "max_position_embeddings": 8}
    vision = {**_LAYER, **_PATCHES, "intermediate_size": 16}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(**CROP).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def save_dino(folder: Path) -> Path:
    """Write a DINOv2."""
    torch.manual_seed(0)
    Dinov2Model(Dinov2Config(**_LAYER, **_PATCHES, mlp_ratio=1)).save_pretrained(folder)
    BitImageProcessorPil(**CROP).save_pretrained(folder)
    return folder


def save_without_pooler(folder: Path) -> Path:
    """Write a ViT as the first DINO has it: transformers adds a pooler with random weights."""
    torch.manual_seed(0)
    config = ViTConfig(**_LAYER, **_PATCHES, intermediate_size=16)
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    BitImageProcessorPil(**CROP).save_pretrained(folder)
    return folder


def save_onnx(path: Path, edges: tuple[int | str, int | str] = (SIDE, SIDE)) -> Path:
    """Write a model as CCIP's files are: the mean colour of a picture of these edges."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["output"]),
    ]
    taken = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, *edges])
    given = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 3])
    return _save_graph(helper.make_graph(nodes, "mean colour", [taken], [given]), path)


def save_onnx_metrics(path: Path) -> Path:
    """Write what CCIP compares vectors with: it takes no pictures."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Transpose", ["input"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["input", "turned"], ["output"]),
    ]
    taken = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3])
    given = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", "batch"])
    return _save_graph(helper.make_graph(nodes, "cosines", [taken], [given]), path)


def _save_graph(graph: Any, path: Path) -> Path:
    import onnx
    from onnx import helper

    path.parent.mkdir(parents=True, exist_ok=True)
    opset = [helper.make_opsetid("", 14)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def save_text_model(folder: Path) -> Path:
    """Write a model that sees no pictures."""
    BertModel(BertConfig(**_LAYER, vocab_size=8, intermediate_size=16)).save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    ids = {word: number for number, word in enumerate(_WORDS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
