"""Every setting: its type, default and meaning, its layers, and what is wrong with it."""
