"""Every setting: its type, default and meaning, its layers and its validation."""
