"""Write the pipeline's settings for sd-scripts: two TOML files and a command line."""

import re

from lorabench.base.trainer import Kohya
from lorabench.train.external import command as external
from lorabench.train.external import subsets
from lorabench.train.external.command import CONFIG, DATASET, Toml
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.options import as_arguments
from lorabench.train.external.training import Training
from lorabench.train.kohya.resume import State, remaining

ON_COMMAND_LINE = (
    *("config_file", "dataset_config", "console_log_simple"),
    *("resume", "initial_epoch", "save_every_n_steps"),
)
"""Options that `command` gives, besides the user's."""

_OF_CAPTIONS = re.compile(r"caption|token_warmup|network_train|text_encoder")
"""Options that may change the features of a caption."""


def dataset(training: Training, installation: Installation) -> Toml:
    """Return the dataset TOML: which pictures. How they are taken stands among the options.

    A picture that is held out is a dataset of its own, all of which is for validation.
    """

    def subset(one: subsets.Subset) -> Toml:
        found = {"image_dir": installation.seen(one.folder), "num_repeats": one.repeats}
        return {**found, "is_reg": True} if one.regularizes else found

    plain = {"flip_aug": False, "shuffle_caption": False, "caption_dropout_rate": 0.0}
    apart = [
        {"validation_split": 1.0, "batch_size": 1, "subsets": [{**subset(one), **plain}]}
        for one in subsets.held_out(training)
    ]
    return {"datasets": [{"subsets": list(map(subset, subsets.trained(training)))}, *apart]}


def config(training: Training, installation: Installation, hardware: Hardware) -> Toml:
    """Return the config TOML: the options that the pipeline's settings make.

    Options that the user gives otherwise (`train.kohya_args`) are left out.
    """
    settings, taken = training.settings, training.pictures
    made = {
        "pretrained_model_name_or_path": installation.seen(training.base.path),
        **external.config(training, installation, hardware),
        "v_parameterization": training.base.prediction == "v_prediction",
        "zero_terminal_snr": training.base.zero_snr or None,
        "output_name": training.name,
        "save_model_as": "safetensors",
        **_network(training),
        **_rates(training),
        **_pictures(training),
        **_validation(training),
        "prior_loss_weight": settings.prior_loss_weight if taken.regularization else None,
        "min_snr_gamma": settings.min_snr_gamma or None,
        "noise_offset": settings.noise_offset or None,
        "clip_skip": settings.clip_skip if settings.clip_skip > 1 else None,
        "seed": settings.seed,
        **training.by.options,
    }
    left_out = training.by.without | set(settings.kohya_args)
    return {
        name: value for name, value in made.items() if value is not None and name not in left_out
    }


def command(
    training: Training, installation: Installation, hardware: Hardware, state: State | None
) -> list[str]:
    """Return the Python program that trains, from `state` on, with its arguments."""
    options = {
        "config_file": installation.seen(training.folder / CONFIG),
        "dataset_config": installation.seen(training.folder / DATASET),
        # Otherwise rich writes the log and draws random numbers: one seed, two results.
        "console_log_simple": True,
        "resume": installation.seen(state.folder) if state else None,
        # Else it uses the state's own number of steps, which is wrong after a second kill.
        "initial_epoch": state.epoch + 1 if state else None,
        "save_every_n_steps": remaining(training, state),
        **training.settings.kohya_args,
    }
    return [
        *external.launched(training, installation, hardware),
        *as_arguments(options),
    ]


def _network(training: Training) -> Toml:
    settings = training.settings
    return {
        "network_train_unet_only": not settings.text_encoder_lr,
        "network_train_text_encoder_only": not settings.unet_lr,
        "cache_text_encoder_outputs": _captions_stay(training) or None,
    }


def _captions_stay(training: Training) -> bool:
    """Return whether text encoders may run once and leave the card.

    That takes a family whose program can do so, and captions and encoders that do not change.
    """
    settings, by = training.settings, training.by
    changed = settings.text_encoder_lr or settings.shuffle_caption or settings.caption_dropout
    by_user = any(_OF_CAPTIONS.search(name) for name in settings.kohya_args)
    return isinstance(by, Kohya) and by.caches_text and not changed and not by_user


def _rates(training: Training) -> Toml:
    settings = training.settings
    return {
        "learning_rate": settings.unet_lr or settings.text_encoder_lr,
        "unet_lr": settings.unet_lr or None,
        "text_encoder_lr": [settings.text_encoder_lr] if settings.text_encoder_lr else None,
    }


def _pictures(training: Training) -> Toml:
    """Use every picture as it is: without upscaling, its own size becomes its bucket.

    For that, edges must be multiples of the step and the area within the resolution's.
    """
    settings = training.settings
    step, side = training.by.bucket_step, training.side
    edges = [edge for size in training.sizes for edge in size]
    return {
        "train_batch_size": settings.batch_size,
        "caption_extension": ".txt",  # else every caption becomes the class name, in silence
        "resolution": f"{side},{side}",
        "enable_bucket": True,
        "bucket_no_upscale": True,
        "bucket_reso_steps": step,
        "min_bucket_reso": min(side, *edges),
        "max_bucket_reso": max(side, *edges),
        "keep_tokens": settings.keep_tokens,
        "shuffle_caption": settings.shuffle_caption,
        "caption_dropout_rate": settings.caption_dropout,
        "flip_aug": settings.flip,
        "cache_latents": settings.cache_latents,
    }


def _validation(training: Training) -> Toml:
    """Look at the held-out pictures at ends of epochs, always under the same noise."""
    every = training.pictures.validated_every(training.epochs)
    return {"validate_every_n_epochs": every, "validation_seed": 0} if every else {}
