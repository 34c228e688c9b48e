"""What is said of how a program of others trains a family, and of the files that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lorabench.base.model_kinds import Kind


@dataclass(frozen=True)
class ModelFile:
    """A file that a program reads beside the base model."""

    title: str
    kinds: tuple[Kind, ...] = ()
    """What its file may be; empty: anything."""
    inside: str = ""
    """What its tensors begin with in a base model's file that holds it, if one can."""
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """How a program of others trains a family."""

    program: str
    bucket_step: int
    """The px that it crops edges to multiples of."""
    network_module: str
    models: Mapping[str, ModelFile] = field(default_factory=dict)
    """The further files, by the program's names, which its people know."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What it is told besides the settings."""
    without: frozenset[str] = frozenset()
    """Options, of settings and of the user, that it has not or passes over in silence."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Patterns of its LoRA's tensors that a ComfyUI does not load, and names that it loads."""
    mixes_repeats: bool = True
    """Whether pictures with different numbers of repeats share batches."""


@dataclass(frozen=True, kw_only=True)
class Kohya(Trainer):
    """How sd-scripts trains a family."""

    network_module: str = "networks.lora"
    prefix: str = ""
    """What a tensor of the base model's file has to begin with; empty: anything."""
    caches_text: bool = True
    """Whether it can encode the captions once, where no text encoder is trained."""


@dataclass(frozen=True, kw_only=True)
class Musubi(Trainer):
    """How musubi-tuner trains a family, whose latents and captions two more programs encode."""

    bucket_step: int = 16
    mixes_repeats: bool = False
    cache_latents: str
    cache_text: str
    versions: Mapping[int, str] = field(default_factory=dict)
    """`--model_version` by the rows of `width_of`, where one program trains several models."""
    width_of: str = ""
