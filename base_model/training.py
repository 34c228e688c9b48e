"""What both trainings share: states that survive a kill, averaged weights, the learning rate."""

import math
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from lorabench import cli, files
from lorabench.errors import UserError


def seed_of(seed: int, step: int) -> int:
    """Return the seed of everything random in one step, so that a resumed run draws the same."""
    return (seed * 1_000_003 + step) & 0x7FFF_FFFF


def learning_rate(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.02) -> float:
    """Return a linear warm-up to `peak`, then a cosine down to `floor` times it."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


class Average:
    """An exponential moving average of a network's parameters, slower as training goes on."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start at the present parameters; `decay` (0 to 1) is reached after a while."""
        self._network = network
        self._decay = decay
        self._updates = 0
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present parameters."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for name, value in self._network.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """Return the state that `load_state_dict` takes."""
        return {"weights": self.weights, "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        for name, value in state["weights"].items():
            self.weights[name].copy_(value)
        self._updates = state["updates"]


def save_folder(network: Any, folder: Path) -> None:
    """Write a network of diffusers as `folder`, which appears by rename."""
    fresh = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    network.save_pretrained(fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def save_state(path: Path, purpose: str, step: int, **parts: Any) -> None:
    """Write the state of each part under `path`, whole or not at all.

    `purpose` is a digest of all but the number of steps that decides what is learnt.
    """
    state = {name: part.state_dict() for name, part in parts.items()}
    with files.publish(path) as temporary:
        torch.save({"purpose": purpose, "step": step, **state}, temporary)


def check_state(path: Path, purpose: str) -> None:
    """Check that a training for `purpose` may go on from `path`, if there is such a file.

    Raises:
        UserError: it was left by a training from other data or with other settings.
    """
    if not path.exists():
        return
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if state["purpose"] != purpose:
        raise UserError(
            f"{path}: left by a training from other data or with other settings, "
            f"at step {state['step']}. Remove it to begin anew, or move it away to keep it."
        )


def load_state(path: Path, **parts: Any) -> int:
    """Put each part where `path` left it and return the step to go on with; 0 without a file."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return state["step"]


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bar(rank: int, start: int, steps: int) -> tqdm:
    """Return a progress bar over the steps still to do; only the first process shows it."""
    return cli.bar(range(start, steps), initial=start, total=steps, unit="step", disable=rank > 0)


def note(output: Path, line: str) -> None:
    """Add `line` to the training's diary beside `output`."""
    with output.with_suffix(".log").open("a", encoding="utf-8") as diary:
        diary.write(line + "\n")
