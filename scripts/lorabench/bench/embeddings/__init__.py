"""Pictures and texts as vectors of a model."""
