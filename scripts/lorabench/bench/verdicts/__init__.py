"""From the measures to the verdict on the LoRA, and to its words."""
