"""Train a LoRA with kohya's sd-scripts: `run.train` reads from top to bottom.

sd-scripts runs in another Python, often in a container. This code only reads its options, output
and files, and imports neither it nor torch.
"""
