"""Train a LoRA: `embedded` reads from top to bottom, and its parts lie beside it."""
