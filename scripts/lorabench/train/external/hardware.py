"""Find the hardware of the machine or container of a training program."""

from typing import NamedTuple

from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train.external.installation import Installation

_QUESTION = """
import accelerate, torch
cuda = torch.cuda.is_available()
print("cuda" if cuda else "cpu", "bf16" if cuda and torch.cuda.is_bf16_supported() else "fp16")
"""


class Hardware(NamedTuple):
    """`device` is cpu or cuda, `precision` fp32, bf16 or fp16."""

    device: str
    precision: str

    @property
    def mixed_precision(self) -> str:
        """The precision as accelerate calls it."""
        return "no" if self.precision == "fp32" else self.precision


def find(installation: Installation, settings: TrainSettings) -> Hardware:
    """Return the hardware that the Python of the program has and the settings choose.

    Raises `UserError`: that Python does not run, or the hardware lacks a setting.
    """
    *_, answer = installation.ask("-c", _QUESTION).strip().splitlines()
    present, half = answer.split()
    if settings.device == "cuda" and present == "cpu":
        raise UserError(
            f"device: cuda, but the PyTorch of {installation.tool.name} finds no CUDA; allowed are "
            "auto and cpu."
        )
    device = "cpu" if settings.device == "cpu" else present
    if settings.precision == "fp16" and device == "cpu":
        raise UserError("precision: fp16 does not train on a CPU; allowed are auto, fp32 and bf16.")
    auto = "fp32" if device == "cpu" else half
    return Hardware(device, auto if settings.precision == "auto" else settings.precision)
