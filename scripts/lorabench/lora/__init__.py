"""LoRA files: their contents, whether they fit a base model, and their installation."""
