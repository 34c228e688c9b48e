"""A local server with ComfyUI's HTTP API that runs the standard text-to-image nodes itself.

It is to ComfyUI what SQLite is to a database server: the same workflow JSON, the same PNG metadata
and, on the same checkpoint and seed, the same picture. The graph side (`validate`, `execution`,
`queue`, `server`) imports no torch; the picture side (`engine`, `nodes`, `sampling`) does, and is
loaded by the worker thread once the server listens.
"""

VERSION = "1"
"""Version of this server, shown as `system.lorabench_embedded` in `/system_stats`."""

COMFYUI_VERSION = "0.3.64"
"""Version of the ComfyUI whose API shapes and pictures this server was held against."""
