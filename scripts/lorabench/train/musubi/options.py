"""Options of musubi-tuner that belong to the pipeline, so that no user gives them."""

from collections.abc import Mapping

_OWNED_TOGETHER: Mapping[str, str] = {
    "the training uses the normalized set as it is": "dataset_config debug_mode skip_existing"
    " keep_cache",
    "the pipeline names and places what is written": "output_dir output_name config_file"
    " no_metadata",
    "the pipeline saves states and resumes by itself": "resume resume_from_huggingface save_state"
    " save_state_on_train_end save_state_to_huggingface save_every_n_steps save_last_n_epochs"
    " save_last_n_epochs_state save_last_n_steps save_last_n_steps_state",
    "it shows what it does and trains nothing": "show_timesteps",
}
OWNED: Mapping[str, str] = {
    "dit": "set base_model",
    "learning_rate": "set train.unet_lr",
    "max_train_steps": "set train.steps",
    "max_train_epochs": "set train.epochs",
    "gradient_accumulation_steps": "set train.gradient_accumulation",
    "save_every_n_epochs": "set train.save_every_epochs",
    "mixed_precision": "set train.precision",
    "seed": "set train.seed",
    **{name: why for why, names in _OWNED_TOGETHER.items() for name in names.split()},
}
"""Options that belong to the pipeline, and why or what to set instead."""
