"""Judge the LoRA by its measures, and put the verdict into words."""
