"""The base model: recognize checkpoints, and load them."""
