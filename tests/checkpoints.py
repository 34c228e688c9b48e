"""Micro checkpoints with random weights, as diffusers folders and as single LDM files."""

import json
import re
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15

# The SD1.x architecture, narrow: the widths may shrink, the names of the tensors may not change.
MICRO_LDM = {
    "unet": {
        "block_out_channels": (8, 8, 16, 16),
        "norm_num_groups": 4,
        "attention_head_dim": 2,
        "cross_attention_dim": 768,
        "sample_size": 8,
    },
    "vae": {**SD15.configs["vae"], "block_out_channels": (4, 4, 8, 8), "norm_num_groups": 2},
    "text_encoder": {
        **SD15.configs["text_encoder"],
        "intermediate_size": 16,
        "num_hidden_layers": 2,
    },
}
SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}


def save_micro_folder(path: Path, prediction: str = "epsilon", seed: int = 0) -> Path:
    """Write a diffusers folder of the bundled family: f8 tiny autoencoder, width 32 text."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=4,
        in_channels=8,
        out_channels=8,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    vae = AutoencoderTiny(
        latent_channels=8,
        encoder_block_out_channels=(4, 4, 4, 4),
        decoder_block_out_channels=(4, 4, 4, 4),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    alphabet = model.clip_tokenizer().get_vocab()
    text = CLIPTextConfig(
        **{
            **SD15.configs["text_encoder"],
            "vocab_size": len(alphabet),
            "hidden_size": 32,
            "intermediate_size": 32,
            "projection_dim": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        }
    )
    return save_folder(path, unet, vae, CLIPTextModel(text), prediction)


def save_micro_file(path: Path, folder: Path, seed: int = 0) -> Path:
    """Write one narrow SD1.x model twice: as the LDM file `path` and as a diffusers `folder`.

    It loads while the parts of SD1.x are the micro ones above.
    """
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(**MICRO_LDM["unet"])
    vae = AutoencoderKL(**MICRO_LDM["vae"])
    text_encoder = CLIPTextModel(CLIPTextConfig(**MICRO_LDM["text_encoder"]))
    save_folder(folder, unet, vae, text_encoder)
    save_file(to_ldm(unet, vae, text_encoder), path)
    return path


def save_folder(path, unet, vae, text_encoder, prediction="epsilon") -> Path:
    """Write the parts as a diffusers folder with the tokenizer of CLIP."""
    for name, part in (("unet", unet), ("vae", vae), ("text_encoder", text_encoder)):
        part.half().save_pretrained(path / name)
    model.clip_tokenizer().save_pretrained(path / "tokenizer")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", type(vae).__name__],
    }
    (path / "model_index.json").write_text(json.dumps(index))
    (path / "scheduler").mkdir()
    scheduler = {**SCHEDULER, "prediction_type": prediction}
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    return path


def to_ldm(unet, vae, text_encoder) -> dict[str, torch.Tensor]:
    """Return the parts' tensors under the names of the original Stable Diffusion files."""
    layers = unet.config.layers_per_block
    weights = {}
    for key, tensor in unet.state_dict().items():
        weights["model.diffusion_model." + ldm_unet_key(key, layers)] = tensor
    weights |= autoencoder_to_ldm(vae)
    for key, tensor in text_encoder.state_dict().items():
        weights["cond_stage_model.transformer.text_model." + key] = tensor
    return {key: tensor.contiguous() for key, tensor in weights.items()}


def autoencoder_to_ldm(vae) -> dict[str, torch.Tensor]:
    """Return an autoencoder's tensors under those names."""
    levels = len(vae.config.block_out_channels)
    weights = {}
    for key, tensor in vae.state_dict().items():
        if re.search(r"to_\w+(\.0)?\.weight", key):
            tensor = tensor[:, :, None, None]
        weights["first_stage_model." + _ldm_vae_key(key, levels)] = tensor
    return weights


def ldm_unet_key(key: str, layers: int) -> str:
    for ours, theirs in (
        ("conv_in.", "input_blocks.0.0."),
        ("time_embedding.linear_1.", "time_embed.0."),
        ("time_embedding.linear_2.", "time_embed.2."),
        ("conv_norm_out.", "out.0."),
        ("conv_out.", "out.2."),
    ):
        if key.startswith(ours):
            return key.replace(ours, theirs)
    if ".resnets." in key:
        for ours, theirs in (
            ("norm1", "in_layers.0"),
            ("conv1", "in_layers.2"),
            ("norm2", "out_layers.0"),
            ("conv2", "out_layers.3"),
            ("time_emb_proj", "emb_layers.1"),
            ("conv_shortcut", "skip_connection"),
        ):
            key = key.replace(ours, theirs)
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", key):
        kind, number, rest = match.groups()
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(number)}.{rest}"
    match = re.match(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", key)
    side, level, kind, number, rest = match.groups()
    first = int(level) * (layers + 1)
    if kind == "downsamplers":
        return f"input_blocks.{first + layers + 1}.0.{rest.replace('conv', 'op')}"
    if kind == "upsamplers":  # the first level up has no attention before its upsampler
        return f"output_blocks.{first + layers}.{1 if level == '0' else 2}.{rest}"
    block = f"input_blocks.{1 + first + int(number)}"
    if side == "up":
        block = f"output_blocks.{first + int(number)}"
    return f"{block}.{1 if kind == 'attentions' else 0}.{rest}"


def _ldm_vae_key(key: str, levels: int) -> str:
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key)
    key = key.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
    key = re.sub(r"to_([qkv])\.", r"\1.", key).replace("to_out.0", "proj_out")
    key = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", key)
    key = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", key)
    key = re.sub(
        r"up_blocks\.(\d)\.(resnets|upsamplers\.0)",
        lambda m: f"up.{levels - 1 - int(m[1])}.{'block' if m[2] == 'resnets' else 'upsample'}",
        key,
    )
    return key
