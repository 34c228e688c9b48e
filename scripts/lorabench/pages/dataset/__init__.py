"""The page on a set, made before it is trained on."""
