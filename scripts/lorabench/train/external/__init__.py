"""What training with programs of others has in common: sd-scripts and musubi-tuner, both kohya's.

They run in another Python, often in a container. This code only reads their options, output and
files, and imports neither them nor torch.
"""
