"""The pictures of a sweep: prompts, names, labels and record."""
