"""The judge: a small network that says what a picture shows; trained on drawings alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from base_model.inputs import present
from base_model.world import BACKGROUNDS, CHARACTER, COLORS, STYLES, SUBJECTS, Scene
from lorabench import files

Heads = Mapping[str, tuple[str, ...]]
HEADS: Heads = {
    "subject": (*SUBJECTS, CHARACTER),
    "color": tuple(COLORS),
    "background": BACKGROUNDS,
    "style": STYLES,
}
"""What is judged, each a field of Scene, and the values to choose from."""
NONE = -100
"""The label of what a scene does not decide; torch leaves it out of a loss."""
WEIGHTS = "judge.safetensors"


class _Block(nn.Module):
    """Two 3x3 convolutions added to what comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(channels, channels), nn.ReLU(), _convolution(channels, channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.inner(x))


class Judge(nn.Module):
    """A residual network of 0.6 million parameters with a linear head for each thing judged."""

    def __init__(self, heads: Heads = HEADS) -> None:
        """Start from random weights."""
        super().__init__()
        self.values = heads
        self.body = nn.Sequential(
            _convolution(3, 24, stride=2), nn.ReLU(),
            _convolution(24, 48, stride=2), nn.ReLU(), _Block(48),
            _convolution(48, 80, stride=2), nn.ReLU(), _Block(80), _Block(80),
            _convolution(80, 112, stride=2), nn.ReLU(), _Block(112),
        )  # fmt: skip
        self.heads = nn.ModuleDict(
            {name: nn.Linear(2 * 112, len(values)) for name, values in heads.items()}
        )
        # The layout of its pictures, which torch's types do not know.
        self.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return a score per value of each head, [n, values], of pictures [n, 3, h, w], -1..1."""
        features = self.body(pictures)
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
        return {name: head(pooled) for name, head in self.heads.items()}

    @torch.no_grad()
    def verdicts(self, pictures: torch.Tensor) -> dict[str, list[str]]:
        """Return each head's choice for each of uint8 `pictures` [n, 3, h, w]."""
        chosen: dict[str, list[str]] = {name: [] for name in self.values}
        for part in pictures.split(32):
            for name, scores in self(as_input(part)).items():
                chosen[name] += [self.values[name][i] for i in scores.argmax(1).tolist()]
        return chosen


def as_input(pictures: torch.Tensor) -> torch.Tensor:
    """Return uint8 `pictures` as floats from -1 to 1, in the memory order that is fastest."""
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def labels(scenes: Sequence[Scene]) -> dict[str, torch.Tensor]:
    """Return the right index per head, [scenes]; the character has no color to be named: NONE."""
    found = {
        name: [values.index(getattr(scene, name)) for scene in scenes]
        for name, values in HEADS.items()
    }
    for number, scene in enumerate(scenes):
        if scene.subject == CHARACTER:
            found["color"][number] = NONE
    return {name: torch.tensor(indices) for name, indices in found.items()}


def save(judge: Judge, folder: Path) -> None:
    """Write the weights to `folder` in half precision."""
    halves = {
        name: value.detach().cpu().half().contiguous() if value.is_floating_point() else value
        for name, value in judge.state_dict().items()
    }
    with files.publish(folder / WEIGHTS) as temporary:
        save_file(halves, temporary)
        temporary.chmod(0o644)  # the library leaves it to the owner alone


def load(folder: Path, heads: Heads = HEADS) -> Judge:
    """Return the judge of `heads` whose weights lie in `folder`, ready to judge.

    Raises:
        UserError: there are none.
    """
    judge = Judge(heads)
    judge.load_state_dict(load_file(present(folder / WEIGHTS, "a trained judge")))
    return judge.eval()


def _convolution(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outside)
    )
