"""Options of sd-scripts that belong to the pipeline, so that no user gives them."""

from collections.abc import Mapping

_OWNED_TOGETHER: Mapping[str, str] = {
    "the training uses the normalized set as it is": (
        "train_data_dir in_json dataset_config dataset_class dataset_repeats"
        " caption_extension caption_extention debug_dataset"
    ),
    "the pictures have their size already; see preprocess: {resolution: …}": (
        "resolution enable_bucket min_bucket_reso max_bucket_reso bucket_reso_steps"
        " bucket_no_upscale random_crop"
    ),
    "the pipeline names and places what is written": (
        "output_dir output_name save_model_as config_file output_config"
    ),
    "the pipeline saves states and resumes by itself": (
        "resume resume_from_huggingface initial_epoch initial_step skip_until_initial_step"
        " save_state save_state_on_train_end save_state_to_huggingface save_every_n_steps"
        " save_n_epoch_ratio save_last_n_epochs save_last_n_epochs_state save_last_n_steps"
        " save_last_n_steps_state"
    ),
    "it would write into the set, which other runs share": (
        "cache_latents_to_disk cache_text_encoder_outputs_to_disk cache_info"
    ),
    "the pipeline reads the progress from its output": (
        "console_log_simple console_log_file console_log_level"
    ),
}

OWNED: Mapping[str, str] = {
    "pretrained_model_name_or_path": "set base_model",
    "max_train_steps": "set train.steps",
    "max_train_epochs": "set train.epochs",
    "train_batch_size": "set train.batch_size",
    "gradient_accumulation_steps": "set train.gradient_accumulation",
    "save_every_n_epochs": "set train.save_every_epochs",
    "mixed_precision": "set train.precision",
    "seed": "set train.seed",
    "validation_split": "set train.validation",
    "reg_data_dir": "set reg_set",
    **{name: why for why, names in _OWNED_TOGETHER.items() for name in names.split()},
}
"""Options that belong to the pipeline, and why or what to set instead."""
