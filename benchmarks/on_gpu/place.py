"""Where it runs: the device, and a temporary folder with what is made for it."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.on_gpu.shapes import Shape


@dataclass(frozen=True)
class Place:
    """A device (`cuda` or `cpu`) and a folder."""

    device: str
    folder: Path

    @property
    def precisions(self) -> tuple[str, str]:
        """Return the precisions that are trained in: a CPU has no fp16."""
        return ("bf16", "fp16") if self.device == "cuda" else ("bf16", "fp32")

    @property
    def threads(self) -> int:
        """Return the threads of a program: on a CPU one, for tests run beside each other."""
        return 4 if self.device == "cuda" else 1

    @property
    def models(self) -> Path:
        """Return the folder of models, as a ComfyUI has it."""
        return self.folder / "models"

    def base(self, shape: Shape) -> Path:
        """Return the diffusers folder of a shape's random weights."""
        return self.models / "checkpoints" / shape.name

    def lora(self, shape: Shape) -> Path:
        """Return the random LoRA of a shape."""
        return self.models / "loras" / f"{shape.name}.safetensors"
