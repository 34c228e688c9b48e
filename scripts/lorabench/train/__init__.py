"""Training a LoRA: the embedded trainer (`embedded`) reads top to bottom, its parts lie beside."""
