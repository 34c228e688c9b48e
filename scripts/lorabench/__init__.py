"""lorabench: normalize pictures, train a LoRA, render it over weights and seeds, judge it."""

import importlib.util
import sys

if not importlib.util.find_spec("pydantic"):
    # Every program imports this package first: one sentence in place of a traceback.
    sys.exit(
        f"error: {sys.executable} has not the packages of lorabench; put `uv run` before the "
        "command"
    )
