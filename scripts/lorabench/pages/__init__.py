"""The pages that people look at: one run, several side by side, and the card of a LoRA."""
