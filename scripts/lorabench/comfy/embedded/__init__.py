"""A local server with ComfyUI's HTTP API that runs text-to-image and image-to-image nodes itself.

It takes the same workflow JSON as ComfyUI and gives the same PNG metadata and, for the same
checkpoint and seed, the same picture. The graph side (`validate`, `execution`, `queue`, `server`)
imports no torch; the worker thread loads the picture side (`engine`, `nodes`, `sampling`), which
does, once the server listens.
"""

VERSION = "1"
"""Version of this server, shown as `system.lorabench_embedded` in `/system_stats`."""

COMFYUI_VERSION = "0.33.0"
"""Version of the ComfyUI that this server follows: its nodes, their inputs, and its pictures."""
