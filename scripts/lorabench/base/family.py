"""What is said of a family of models: how files are recognized, its parts, presets and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lorabench.base.layer_naming import Naming
from lorabench.base.trainer import Kohya, Musubi

Part = Literal[
    "unet", "transformer", "vae",
    "text_encoder", "text_encoder_2", "text_encoder_t5", "text_encoder_llm",
]  # fmt: skip
PARTS: Mapping[str, str] = {  # and their names for people
    "unet": "UNet",
    "transformer": "transformer",
    "vae": "VAE",
    "text_encoder": "text encoder",
    "text_encoder_2": "text encoder 2",
    "text_encoder_t5": "text encoder T5",
    "text_encoder_llm": "text encoder LLM",
}
LDM_UNET = "model.diffusion_model."


@dataclass(frozen=True, eq=False)
class Known:
    """A family that files are recognized by; one that is no `Family` as well is refused."""

    title: str
    width: int | None = None  # of the text features that the UNet attends to: all differ
    block: int | None = None  # of a single file's UNet, the first that attends to them
    layers: tuple[str, ...] = ()
    """Patterns of a transformer's layers, of which each has one (ComfyUI's model_detection.py)."""
    without: str = ""
    """A pattern of layers that it has not, where another family has the same ones besides."""
    rows: tuple[str, int] | None = None
    """A layer's name and the rows of its weight, where the names are not enough."""
    lora_names: str | None = None
    """A pattern of LoRA modules, underscored, if the width is not enough."""
    naming: Naming | None = None
    """Of a transformer's layers."""

    @property
    def a_title(self) -> str:
        """The title with its article, such as `an SDXL`: `checkpoint` or `one` follows."""
        return f"{'an' if self.title.startswith(('SD', *'AEIO')) else 'a'} {self.title}"

    @property
    def cross_attention(self) -> str:
        """The weight in a single file that has the `width`."""
        return f"{LDM_UNET}input_blocks.{self.block}.1.transformer_blocks.0.attn2.to_k.weight"


@dataclass(frozen=True)
class Benchmark:
    """A bundled workflow and what its people ask for; `{trigger}` stands for the trigger words."""

    workflow: str
    """Empty where none is bundled: then the user has to give one."""
    prompts: str
    """The file of the further prompts; `{profile}` stands for the profile."""
    example_prompts: Mapping[str, str]
    """What stands in for the workflow's prompt, by profile, where that has not the trigger."""
    v_prediction: bool = False
    """Whether it is the usual one of checkpoints that predict v."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Family(Known):
    """A family that LoRAs can be trained and rendered for."""

    name: str  # among the settings
    version: str = ""  # `ss_base_model_version`; empty: the name of the checkpoint
    architecture: str = ""  # what `modelspec.architecture` begins with; empty: the same
    tag: str = ""  # on Hugging Face
    parts: Mapping[Part, str] = field(default_factory=dict)
    """What the tensors of each part begin with in a single file; empty for a transformer's."""
    configs: Mapping[Part, Mapping[str, Any]] = field(default_factory=dict)
    """Of a single file's parts, where they differ from the defaults of the classes that load it."""
    schedule: Mapping[str, Any] = field(default_factory=dict)  # the noise that it was trained with
    embedded: bool = False  # whether the embedded trainer and server load it
    kohya: Kohya | None = None  # how sd-scripts trains it
    musubi: Musubi | None = None  # how musubi-tuner does
    benchmarks: tuple[Benchmark, ...]  # the first is the usual one
    settings: Mapping[str, Any]  # what is usual besides the benchmark
    picture_seconds: float = 3
    """How long a usual GPU takes for a picture of its workflow, on a ComfyUI."""
    trained_seconds: float = 0.5
    """How long a usual GPU takes for a picture in a training at the preset's resolution."""
    on_a_cpu: float = 50
    """About so many times as long takes a CPU of few cores."""
    autoencoder_seconds: float = 150
    """How long one core takes for a million pixels in its autoencoder (docs/performance.md)."""
    caption_tokens: int = 75
    """So many tokens of a caption its text encoders read, unless its trainer is told otherwise."""
    memory_mb: int
    """Of a program that trains or renders with it, on the machine and not on the card."""

    @property
    def trainers(self) -> list[str]:
        """The values of `trainer` that train it."""
        has = {"embedded": self.embedded, "kohya": self.kohya, "musubi": self.musubi}
        return [name for name, way in has.items() if way]

    @property
    def preset(self) -> dict[str, Any]:
        """The settings of the family, with its usual benchmark."""
        return self.preset_with(self.benchmarks[0])

    def preset_with(self, benchmark: Benchmark) -> dict[str, Any]:
        """Return the settings of the family with one of its benchmarks."""
        files = {"bench_workflow": benchmark.workflow, "prompts": benchmark.prompts}
        return {**files, **self.settings}

    def benchmark(self, workflow: object) -> Benchmark | None:
        """Return the bundled benchmark that has this workflow, given by its path; else None."""
        path = Path(str(workflow)).absolute()
        own = [one for one in self.benchmarks if one.workflow]
        return next((one for one in own if Path(one.workflow).absolute() == path), None)


def preprocess(resolution: int, bucket_step: int) -> dict[str, int]:
    """Return the preset for normalizing pictures of `resolution` px squared."""
    half, double = resolution // 2, resolution * 2
    buckets = {"bucket_step": bucket_step, "bucket_min": half, "bucket_max": double}
    return {"resolution": resolution, **buckets, "min_size": half}
