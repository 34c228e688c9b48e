"""The model card: README.md beside the LoRA."""
