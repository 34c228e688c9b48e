"""Make another LoRA of a trained one: stronger, weaker, or broken in a known way."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import numpy as np
from safetensors.numpy import save

from lorabench import cli, files
from lorabench.base import header
from lorabench.lora.file import ALPHA, DOWN, UP
from lorabench.lora.tensor_file import tensors as read_tensors

Tensors = dict[str, np.ndarray]


def scaled(tensors: Tensors, factor: float) -> Tensors:
    """Return the LoRA as it would be at `factor` times its strength."""
    return {
        key: (array.astype(np.float32) * factor if key.endswith(UP) else array)
        for key, array in tensors.items()
    }


def with_zeros(tensors: Tensors, suffix: str) -> Tensors:
    """Return the LoRA with every tensor of that suffix set to 0."""
    return {k: np.zeros_like(a) if k.endswith(suffix) else a for k, a in tensors.items()}


def with_nan(tensors: Tensors) -> Tensors:
    """Return the LoRA with one number that is none, in one tensor."""
    changed = {key: array.copy() for key, array in tensors.items()}
    first = next(array for key, array in changed.items() if key.endswith(UP))
    first.flat[0] = np.nan
    return changed


def foreign(tensors: Tensors, every: int) -> Tensors:
    """Return the LoRA with the names of every so many modules as no base model has them."""
    modules = sorted({key.split(".")[0] for key in tensors})
    chosen = set(modules[::every])
    return {
        (f"lora_transformer_{key}" if key.split(".")[0] in chosen else key): array
        for key, array in tensors.items()
    }


def wrong_shapes(tensors: Tensors) -> Tensors:
    """Return the LoRA as for a base model of half the width."""
    return {
        key: (array[:, : array.shape[1] // 2] if key.endswith(DOWN) else array)
        for key, array in tensors.items()
    }


CHANGES: dict[str, Callable[[Tensors], Tensors]] = {
    "no-up": lambda tensors: with_zeros(tensors, UP),
    "no-alpha": lambda tensors: with_zeros(tensors, ALPHA),
    "nan": with_nan,
    "foreign": lambda tensors: foreign(tensors, 1),
    "half-foreign": lambda tensors: foreign(tensors, 2),
    "shapes": wrong_shapes,
}
"""What recipes.py calls them, besides x and a factor of the strength."""


def program(arguments: argparse.Namespace) -> None:
    """Write the changed LoRA; not by `lora_file.save`, which would refuse it."""
    tensors = {key: np.array(array) for key, array in read_tensors(arguments.lora)}
    name = arguments.change
    change = CHANGES.get(name) or (lambda tensors: scaled(tensors, float(name.removeprefix("x"))))
    arrays = {key: np.asarray(array, order="C") for key, array in change(tensors).items()}
    _, metadata = header.read(arguments.lora)
    kept = {key: value for key, value in metadata.items() if not key.startswith("sshs_")}
    with files.publish(arguments.output) as temporary:
        temporary.write_bytes(save(arrays, kept))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lora", type=Path, help="a trained LoRA")
    parser.add_argument("change", help=f"x and a factor, or one of {', '.join(CHANGES)}")
    parser.add_argument("output", type=Path, help="the .safetensors to write")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
