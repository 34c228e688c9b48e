"""The pictures laid out: weights by prompts and seeds."""
