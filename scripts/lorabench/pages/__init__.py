"""The pages for people: one run, several side by side, and the card of a LoRA."""
