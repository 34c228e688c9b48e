"""Training a LoRA with kohya's sd-scripts: `run.train` reads top to bottom, its parts lie beside.

sd-scripts is another program, in another Python and often in a container. What is known of it is
what its options, its output and its files say; nothing here imports it, nor torch.
"""
