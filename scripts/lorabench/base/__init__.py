"""The base model: what lies at a path, and the model loaded."""
