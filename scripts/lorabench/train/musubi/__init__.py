"""Train a LoRA with kohya's musubi-tuner: `run.train` reads from top to bottom."""
