"""Describe a training in the metadata of its LoRA, under kohya's names.

A1111 and LoRA managers show the `ss_*` keys, model registries the `modelspec.*` ones (the Stability
model metadata standard, 1.0.1). All values are strings.
"""

import json
import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from lorabench import layout
from lorabench.base.checkpoint import Checkpoint
from lorabench.base.conditions import SDXL_LAYER
from lorabench.digests import Digests, model_digest
from lorabench.settings.models import TrainSettings
from lorabench.train.data import MULTIPLE, TrainingSet

_OPTIMIZERS = {
    "AdamW": "torch.optim.adamw.AdamW",
    "AdamW8bit": "bitsandbytes.optim.adamw.AdamW8bit",
}


def describe(
    base: Checkpoint, pictures: TrainingSet, name: str, step: int, total: int, seconds: float
) -> dict[str, str]:
    """Return the metadata of the LoRA `name` after `step` of `total` steps and `seconds` of work.

    The hashes of the file are added when it is written.
    """
    now = datetime.now(UTC)
    facts = {
        **_base(base),
        **_settings(pictures.settings),
        **_set(pictures),
        **_course(pictures, step, total),
        **_modelspec(base, pictures),
        "ss_output_name": name,
        "ss_training_started_at": now.timestamp() - seconds,
        "ss_training_finished_at": now.timestamp(),
        "modelspec.title": name,
        "modelspec.date": now.isoformat(timespec="seconds"),
    }
    return {key: str(value) for key, value in facts.items()}


def _base(base: Checkpoint) -> dict[str, Any]:
    facts = {
        "ss_base_model_version": base.family.version or base.path.name,
        "ss_v2": False,
        "ss_zero_terminal_snr": base.zero_snr,
        "ss_sd_model_name": base.path.name,
    }
    if base.kind == "file":  # the hash by which model sites list a checkpoint
        memory = Digests(layout.DIGESTS)
        facts["ss_new_sd_model_hash"] = model_digest(base.path, memory)
    return facts


def _settings(settings: TrainSettings) -> dict[str, Any]:
    return {
        "ss_network_module": "networks.lora",
        "ss_network_dim": settings.rank,
        "ss_network_alpha": settings.alpha,
        "ss_seed": settings.seed,
        "ss_batch_size_per_device": settings.batch_size,
        "ss_total_batch_size": settings.batch_size,
        "ss_gradient_accumulation_steps": settings.gradient_accumulation,
        "ss_gradient_checkpointing": settings.gradient_checkpointing,
        "ss_learning_rate": settings.unet_lr or settings.text_encoder_lr,
        "ss_unet_lr": settings.unet_lr or None,
        "ss_text_encoder_lr": settings.text_encoder_lr or None,
        "ss_optimizer": f"{_OPTIMIZERS[settings.optimizer_type]}"
        f"(weight_decay={settings.weight_decay})",
        "ss_lr_scheduler": settings.scheduler,
        "ss_lr_warmup_steps": settings.warmup_steps,
        "ss_max_grad_norm": settings.max_grad_norm,
        "ss_min_snr_gamma": settings.min_snr_gamma or None,
        "ss_noise_offset": settings.noise_offset or None,
        "ss_caption_dropout_rate": settings.caption_dropout,
        "ss_shuffle_caption": settings.shuffle_caption,
        "ss_keep_tokens": settings.keep_tokens,
        "ss_flip_aug": settings.flip,
        "ss_clip_skip": settings.clip_skip,
        "ss_cache_latents": settings.cache_latents,
        "ss_prior_loss_weight": settings.prior_loss_weight,
        "ss_validation_split": settings.validation,
        "ss_mixed_precision": settings.precision,
    }


def _set(pictures: TrainingSet) -> dict[str, Any]:
    name, side = pictures.folder.name, _side(pictures)
    return {
        "ss_resolution": f"({side}, {side})",
        "ss_num_train_images": sum(picture.repeats for picture in pictures.pictures),
        "ss_num_validation_images": len(pictures.held_out),
        "ss_num_reg_images": sum(picture.repeats for picture in pictures.regularization),
        "ss_num_batches_per_epoch": pictures.batches_per_epoch,
        "ss_enable_bucket": True,
        "ss_bucket_info": json.dumps(_buckets(pictures)),
        "ss_dataset_dirs": json.dumps(_folders(pictures)),
        "ss_tag_frequency": json.dumps({name: _tags(pictures)}, ensure_ascii=False),
    }


def _folders(pictures: TrainingSet) -> dict[str, Any]:
    """Return the numbers of pictures and repeats, under the names of kohya's folders."""
    counts = Counter(picture.repeats for picture in pictures.pictures)
    name = pictures.folder.name
    facts = {
        f"{repeats}_{name}": {"n_repeats": repeats, "img_count": count}
        for repeats, count in sorted(counts.items())
    }
    return facts if len(facts) > 1 else {name: next(iter(facts.values()))}


def _course(pictures: TrainingSet, step: int, total: int) -> dict[str, Any]:
    def epochs(steps: int) -> int:
        batches = steps * pictures.settings.gradient_accumulation
        return math.ceil(batches / pictures.batches_per_epoch)

    return {
        "ss_steps": step,
        "ss_epoch": epochs(step),
        "ss_max_train_steps": total,
        "ss_num_epochs": pictures.settings.epochs or epochs(total),
    }


def _modelspec(base: Checkpoint, pictures: TrainingSet) -> dict[str, Any]:
    side = _side(pictures)
    one = "text_encoder_2" not in base.family.parts
    layer = pictures.settings.clip_skip if one else SDXL_LAYER
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{base.family.architecture or base.path.name}/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.prediction_type": "epsilon" if base.prediction == "epsilon" else "v",
        "modelspec.encoder_layer": layer,
    }


def _side(pictures: TrainingSet) -> int:
    """Return the edge in px of the square that has the pictures' mean area."""
    areas = [width * height for width, height in (picture.size for picture in pictures.pictures)]
    return round((sum(areas) / len(areas)) ** 0.5 / MULTIPLE) * MULTIPLE


def _buckets(pictures: TrainingSet) -> dict[str, Any]:
    buckets = {
        str(number): {"resolution": list(size), "count": len(found)}
        for number, (size, found) in enumerate(pictures.buckets.items())
    }
    return {"buckets": buckets, "mean_img_ar_error": 0.0}


def _tags(pictures: TrainingSet) -> dict[str, int]:
    return dict(
        Counter(
            tag.strip()
            for picture in pictures.pictures
            for tag in picture.caption.split(",")
            if tag.strip()
        )
    )
