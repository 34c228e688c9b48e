"""One training: its inputs, its folder and its length."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lorabench import layout
from lorabench.base.checkpoint import Checkpoint
from lorabench.base.trainer import Trainer
from lorabench.digests import Digests, digest, model_digest
from lorabench.settings.models import TrainSettings
from lorabench.train.data import TrainingSet

# A killed training loses at most about this share of its work.
_STATES = 10


@dataclass(frozen=True)
class Training:
    """A training of the LoRA `name`.

    `steps` are optimizer steps. The programs begin each epoch with a new step, also when they
    accumulate gradients, so an epoch is a whole number of steps.
    """

    name: str
    pictures: TrainingSet
    base: Checkpoint
    by: Trainer
    models: Mapping[str, Path] = field(default_factory=dict)
    """The files that are read beside the base model."""

    @property
    def settings(self) -> TrainSettings:
        """How it is trained."""
        return self.pictures.settings

    @cached_property
    def folder(self) -> Path:
        """Its own folder, because the programs overwrite the files of other trainings."""
        digests = Digests(layout.DIGESTS)
        models = {name: model_digest(path, digests) for name, path in self.models.items()}
        purpose = {
            "pictures": self.pictures.digest(),
            "settings": self.settings.model_dump(mode="json"),
            "base": model_digest(self.base.path, digests),
            **({"models": models} if models else {}),
        }
        return layout.KOHYA / f"{self.name}-{digest(purpose)[:8]}.training"

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return math.ceil(self._batches_per_epoch / self.settings.gradient_accumulation)

    @property
    def _batches_per_epoch(self) -> int:
        if self.by.mixes_repeats:
            return self.pictures.batches_per_epoch
        size = self.settings.batch_size
        alike = Counter((one.size, one.repeats) for one in self.pictures.pictures)
        return sum(-(-times * repeats // size) for (_, repeats), times in alike.items())

    @property
    def steps(self) -> int:
        """All optimizer steps: those configured, or those of all epochs."""
        return self.settings.steps or (self.settings.epochs or 0) * self.steps_per_epoch

    @property
    def epochs(self) -> int:
        """Epochs begun."""
        return math.ceil(self.steps / self.steps_per_epoch)

    @property
    def save_every(self) -> int:
        """Epochs between two saves; the programs save a state only with a LoRA."""
        often = max(1, self.epochs // _STATES)
        wanted = self.settings.save_every_epochs
        return max(n for n in range(1, often + 1) if wanted % n == 0) if wanted else often

    @property
    def kept_epochs(self) -> list[int]:
        """The epochs whose LoRA is kept, besides the last."""
        every = self.settings.save_every_epochs
        return list(range(every, self.epochs, every)) if every else []

    @property
    def sizes(self) -> set[tuple[int, int]]:
        """The (width, height) of all pictures, in px."""
        return {picture.size for picture in self.pictures.all}

    @property
    def side(self) -> int:
        """The edge, in px, of a square of no smaller area than any picture, held out or not."""
        area = max(width * height for width, height in self.sizes)
        return self.by.bucket_step * math.ceil(math.sqrt(area) / self.by.bucket_step)

    @property
    def rows(self) -> Path:
        """Where its steps are written down."""
        return self.folder / "train_log.csv"

    def file(self, suffix: str = "") -> Path:
        """Return where the program writes a LoRA; that of an epoch ends in `-000001`."""
        return self.folder / f"{self.name}{suffix}.safetensors"


def epoch_suffix(epoch: int) -> str:
    """Return the suffix of both trainers' files for an epoch."""
    return f"-{epoch:06d}"
