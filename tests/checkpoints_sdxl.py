"""Narrow SDXL checkpoints with random weights, as diffusers folders and as single LDM files."""

import json
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lorabench.base import model
from lorabench.base.stable_diffusion import SDXL, VAE
from tests.checkpoints import SCHEDULER, autoencoder_to_ldm, ldm_unet_key

# The architecture of SDXL; of its widths 32 is the least that its norms of 32 groups allow. Depths
# differ by level, because a file's have to be read.
UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 32, 64),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 1, 2),
    "attention_head_dim": (1, 1, 1),
    "cross_attention_dim": 80,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 16,
    "projection_class_embeddings_input_dim": 48 + 6 * 16,
}
FULL_UNET = {  # SDXL's own widths and depths
    **UNET,
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
AUTOENCODER = {**VAE, "block_out_channels": (32,) * 4, "scaling_factor": 0.13025}
TEXT = {
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 1,
    "vocab_size": 49408,
    "max_position_embeddings": 77,
}


def save(path: Path, folder: Path, marks: tuple[str, ...] = (), seed: int = 0) -> Path:
    """Write one narrow SDXL twice: as the LDM file `path` with its marks, and as a `folder`.

    The folder's scheduler says what `v_pred` and `ztsnr` among the marks do.
    """
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(**UNET)
    vae = AutoencoderKL(**AUTOENCODER)
    small = CLIPTextModel(
        CLIPTextConfig(**TEXT, **SDXL.configs["text_encoder"], hidden_size=32, projection_dim=32)
    )
    large = CLIPTextModelWithProjection(
        CLIPTextConfig(**TEXT, **SDXL.configs["text_encoder_2"], hidden_size=48, projection_dim=48)
    )
    parts = {"unet": unet, "vae": vae, "text_encoder": small, "text_encoder_2": large}
    _save_folder(folder, parts, marks)
    weights = {
        **{f"model.diffusion_model.{_unet_key(k)}": w for k, w in unet.state_dict().items()},
        **autoencoder_to_ldm(vae),
        **{
            f"conditioner.embedders.0.transformer.text_model.{k}": w
            for k, w in small.state_dict().items()
        },
        **_open_clip(large),
        **{mark: torch.zeros(0) for mark in marks},
    }
    save_file({key: tensor.contiguous() for key, tensor in weights.items()}, path)
    return path


def _save_folder(path: Path, parts: dict, marks: tuple[str, ...]) -> None:
    for name, part in parts.items():
        part.half().save_pretrained(path / name)
    model.clip_tokenizer().save_pretrained(path / "tokenizer")
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        **{name: ["diffusers", type(part).__name__] for name, part in parts.items()},
    }
    (path / "model_index.json").write_text(json.dumps(index))
    (path / "scheduler").mkdir()
    scheduler = {
        **SCHEDULER,
        "prediction_type": "v_prediction" if "v_pred" in marks else "epsilon",
        "rescale_betas_zero_snr": "ztsnr" in marks,
    }
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))


def _unet_key(key: str) -> str:
    for ours, theirs in (("linear_1", "0"), ("linear_2", "2")):
        key = key.replace(f"add_embedding.{ours}", f"label_emb.0.{theirs}")
    return key if key.startswith("label_emb") else ldm_unet_key(key, layers=2)


def _open_clip(encoder: CLIPTextModelWithProjection) -> dict[str, torch.Tensor]:
    """Return the tensors of the second encoder under the names of OpenCLIP."""
    weights = {key.removeprefix("text_model."): w for key, w in encoder.state_dict().items()}
    found = {
        "text_projection": weights["text_projection.weight"].T,
        "positional_embedding": weights["embeddings.position_embedding.weight"],
        "token_embedding.weight": weights["embeddings.token_embedding.weight"],
        "ln_final.weight": weights["final_layer_norm.weight"],
        "ln_final.bias": weights["final_layer_norm.bias"],
    }
    names = {
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
        "self_attn.out_proj": "attn.out_proj",
    }
    for number in range(encoder.config.num_hidden_layers):
        ours, theirs = f"encoder.layers.{number}", f"transformer.resblocks.{number}"
        for kind in ("weight", "bias"):
            parts = [weights[f"{ours}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            found[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(parts)
            for name, other in names.items():
                found[f"{theirs}.{other}.{kind}"] = weights[f"{ours}.{name}.{kind}"]
    return {f"conditioner.embedders.1.model.{key}": tensor for key, tensor in found.items()}
