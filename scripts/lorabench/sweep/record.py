"""The record of a sweep, `bench/sweep.yaml`: what a run rendered last, and with what."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from lorabench.settings.models import BUNDLED_BASE, SweepSettings
from lorabench.settings.records import Record
from lorabench.settings.servers import recorded
from lorabench.sweep import pictures
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.pictures import Picture
from lorabench.sweep.variants import Variant


def _of_0_1(variant: Any) -> Any:
    """Take a variant as version 0.1 recorded it, which named its folder in place of its prompt."""
    if not isinstance(variant, Mapping) or "of" not in variant:
        return variant
    named = "" if variant.get("probe") == "trigger" else str(variant["of"])
    kept = {key: value for key, value in variant.items() if key not in ("name", "of")}
    return {"prompt": named.removeprefix("prompt-"), **kept}


class SweepRecord(Record, SweepSettings):
    """What was rendered: the settings outside the run's identity, and what follows from them."""

    model_config = Record.model_config  # the settings' own refuses keys of other versions

    what: ClassVar[str] = "sweep"

    run_id: str
    raw_set: str | None = None
    """The set that the LoRA is of, and its profile; older records leave them out."""
    profile: str | None = None
    comfy_url: Annotated[tuple[str, ...], BeforeValidator(recorded)]
    checkpoint: str | None
    """The checkpoint that the workflow was made to load; None: as the workflow says."""
    workflow_digest: str
    trigger_given: bool = True
    """Whether the user named the trigger words; else they come from the captions."""
    family: str | None = None
    """The name of the family of a LoRA whose base model is only on the server."""
    drawn_elsewhere: str | None = None
    """The checkpoint that rendered, if the LoRA was trained on another."""
    loras: tuple[SweptLora, ...] = ()
    """The LoRAs in order where there are several, or one by name; else it is the run's own."""
    variants: tuple[Annotated[Variant, BeforeValidator(_of_0_1)], ...]

    def contents(self) -> dict[str, Any]:
        """Return what is recorded; what older records do not have stands there only if given."""
        content = super().contents()
        usual = {"epochs": "last", "search": "off"}
        unset = [key for key, value in usual.items() if content[key] == value]
        unset += [
            key
            for key in ("lora", "training_set", "loras", "pictures", "family")
            if not content[key]
        ]
        for lora in content["loras"] or ():
            if not lora["low"]:
                del lora["low"]
        if content["bench"]["size"] is None:
            del content["bench"]["size"]
        for variant in content["variants"]:
            for key in [key for key in ("lora", "baseline") if not variant[key]]:
                del variant[key]
        return {key: value for key, value in content.items() if key not in unset}

    def only(self, lora: str) -> "SweepRecord":
        """Return the part of one of several LoRAs, as if it were swept alone."""
        words = {one.key: one.trigger for one in self.loras}
        variants = tuple(one for one in self.variants if one.lora == lora)
        trigger = words.get(lora, self.trigger)
        return self.model_copy(update={"loras": (), "variants": variants, "trigger": trigger})

    @property
    def bundled(self) -> bool:
        """Whether the bundled base model rendered."""
        return Path(self.checkpoint or "").stem == Path(BUNDLED_BASE).name

    def pictures_in(self, bench: Path) -> list[Picture]:
        """Return the pictures of the sweep in order, in the folder `bench`, rendered or not."""
        every = (pictures.of_variant(one, bench, self.batch_size) for one in self.variants)
        return sorted(set(chain.from_iterable(every)))  # LoRAs share those at weight 0
