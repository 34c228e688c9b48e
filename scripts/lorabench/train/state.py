"""Save the state of a training, so that a killed one continues from there.

It is a safetensors file, whose metadata have what is no tensor: a pickle could run code when it is
read.
"""

import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from lorabench import files, layout
from lorabench.digests import Digests, digest, model_digest
from lorabench.train.data import TrainingSet

log = logging.getLogger(__name__)

# Saving may take this share of the time, which decides when the next save is due: small models
# save several times a second, large ones every minute.
SHARE = 0.02


class StateFile:
    """The last state of one training, in a hidden folder beside its output."""

    def __init__(self, output: Path, purpose: str) -> None:
        """Keep the state of the training for `output`; `purpose` is a digest of all its inputs."""
        self.folder = output.with_name(f".{output.stem}.state")
        self._path = self.folder / "state.safetensors"
        self._purpose = purpose
        self._due = 0.0

    def load(self) -> dict[str, Any] | None:
        """Return the last state; None without one, or if it is of another training."""
        if not self._path.exists():
            return None
        try:
            state = _read(self._path)
            if state.pop("purpose") == self._purpose:
                return state
            reason = "belongs to other pictures, settings, base model or PyTorch"
        except Exception as error:  # however it is damaged, training again mends it
            reason = f"is unreadable ({error})"
        log.warning(
            "the state in %s %s; it is discarded, and the training starts again",
            self.folder,
            reason,
        )
        self.remove()
        return None

    def save_if_due(self, **state: Any) -> bool:
        """Replace the last state by this one if it is due; return whether it was."""
        begin = time.monotonic()
        if begin < self._due:
            return False
        files.write_bytes(self._path, _encoded({"purpose": self._purpose, **state}))
        end = time.monotonic()
        self._due = end + (end - begin) / SHARE
        return True

    def remove(self) -> None:
        """Remove the state and its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _encoded(state: dict[str, Any]) -> bytes:
    tensors: dict[str, torch.Tensor] = {}

    def described(value: Any) -> Any:
        """Return a value as JSON, where what is no plain value is a list: its kind, its content."""
        if isinstance(value, torch.Tensor):
            name = str(len(tensors))
            tensors[name] = value.detach().contiguous()
            return ["tensor", name]
        if isinstance(value, dict):  # the keys of an optimizer's are numbers
            return ["dict", [[key, described(one)] for key, one in value.items()]]
        if isinstance(value, list | tuple):
            return [type(value).__name__, [described(one) for one in value]]
        return value

    text = json.dumps(described(state))
    return save(tensors, {"state": text})  # its own writer names no file if a disk is full


def _read(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:

        def restored(value: Any) -> Any:
            if not isinstance(value, list):
                return value
            kind, content = value
            if kind == "tensor":
                return file.get_tensor(content)
            if kind == "dict":
                return {key: restored(one) for key, one in content}
            return {"list": list, "tuple": tuple}[kind](map(restored, content))

        return restored(json.loads(file.metadata()["state"]))


def purpose(pictures: TrainingSet, base: Path, device: str) -> str:
    """Return a digest of everything that decides the tensors of a training."""
    return digest(
        {
            "pictures": pictures.digest(),
            "settings": pictures.settings.model_dump(mode="json"),
            "base": model_digest(base, Digests(layout.DIGESTS)),
            "device": device,
            "torch": torch.__version__,
        }
    )
