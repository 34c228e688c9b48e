"""sd-scripts' names of the settings: a message for a user who types them has ours."""

OURS = {
    "network_dim": "train.rank",
    "network_alpha": "train.alpha",
    "learning_rate": "train.unet_lr",
    "max_train_epochs": "train.epochs",
    "max_train_steps": "train.steps",
    "train_batch_size": "train.batch_size",
    "gradient_accumulation_steps": "train.gradient_accumulation",
    "lr_scheduler": "train.scheduler",
    "lr_warmup_steps": "train.warmup_steps",
    "lr_scheduler_num_cycles": "train.restarts",
    "save_every_n_epochs": "train.save_every_epochs",
    "mixed_precision": "train.precision",
    "flip_aug": "train.flip",
    "caption_dropout_rate": "train.caption_dropout",
    "max_data_loader_n_workers": "train.threads",
    "pretrained_model_name_or_path": "base_model",
    "train_data_dir": "raw_set",
    "reg_data_dir": "reg_set",
    "validation_split": "train.validation",
    "output_name": "run_id",
    "dit": "base_model",
    "bucket_reso_steps": "preprocess.bucket_step",
    "min_bucket_reso": "preprocess.bucket_min",
    "max_bucket_reso": "preprocess.bucket_max",
}
"""sd-scripts' name -> ours, where the names differ; equal names are found without this."""

_PASSED_ON = "an option of sd-scripts: with trainer=kohya, 'train={kohya_args: {%s: …}}'"
_BESIDE = "a file beside the base model: 'models={%s: /path/to/…}'"
WITHOUT = {
    "enable_bucket": "pictures always go into buckets; see preprocess.bucket_min and bucket_max",
    "caption_extension": "captions are .txt or .caption files beside the pictures",
    "text_encoder_lr1": "there is one: train.text_encoder_lr",
    "num_repeats": "folders such as 10_name repeat their pictures",
    **{name: _BESIDE % name for name in ("clip_l", "clip_g", "t5xxl", "ae", "gemma2", "qwen3",
        "byt5")},
    **{name: _PASSED_ON % name for name in ("network_args", "network_module",
        "optimizer_args", "lr_scheduler_args", "loss_type", "xformers", "sdpa", "weighted_captions",
        "multires_noise_iterations", "max_token_length", "scale_weight_norms")},
}  # fmt: skip
"""sd-scripts' names without a key of ours -> what to use instead."""
