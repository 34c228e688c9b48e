"""The record of a run, `run.yaml`: what its LoRA was trained on, and with which settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from lorabench.run.identity import one_trigger
from lorabench.settings.models import PreprocessSettings, TrainSettings
from lorabench.settings.records import Record
from lorabench.settings.validation import Section


class RawContents(Section):
    """The raw set, by content."""

    files: int
    digest: str
    repeats: dict[str, int] | None = None
    captions: str | None = None


class ModelContents(Section):
    """The base model, or a file beside it, by content."""

    name: str
    digest: str

    @field_validator("name")
    @classmethod
    def _is_one_of_a_file(cls, name: str) -> str:
        if name != Path(name).name:
            raise ValueError("should be the name of a file or folder")
        return name


class Contents(Section):
    """All that makes a run this one and no other."""

    raw: RawContents
    reg: RawContents | None = None
    profile: str
    preprocess: dict[str, Any]
    """The settings that differ from their defaults."""
    trainer: str
    train: dict[str, Any]
    """Likewise."""
    base_model: ModelContents
    models: dict[str, ModelContents] | None = None
    """The files that the training read beside it."""


class RunRecord(Record):
    """What went into a run."""

    what: ClassVar[str] = "run"
    # Behind a record that is made anew, Snakemake would train again.
    remedy: ClassVar[str] = "put it back, or move the folder of the run away, to train it again"

    run_id: str
    raw_set: str
    reg_set: str | None = None
    trigger: str = ""
    identity: Contents
    preprocess: PreprocessSettings
    train: TrainSettings

    @model_validator(mode="before")
    @classmethod
    def _one_trigger(cls, values: Any) -> Any:
        return one_trigger(values) if isinstance(values, Mapping) else values

    def contents(self) -> dict[str, Any]:
        """Return the settings in full, but no empty trigger, and the identity as it was hashed."""
        content = super().contents()
        if not self.preprocess.trigger:
            del content["preprocess"]["trigger"]
        if self.reg_set is None:  # as before there were any
            del content["reg_set"]
        return {**content, "identity": self.identity.model_dump(mode="json", exclude_unset=True)}
