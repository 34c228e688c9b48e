"""Pictures of an earlier, wider sweep that the last one left out: they still lie in the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.pages.words import phrase
from lorabench.sweep import labels, origin, variants
from lorabench.sweep.pictures import Picture
from lorabench.sweep.record import SweepRecord
from lorabench.text import phrases
from lorabench.text.phrases import Language


@dataclass(frozen=True)
class Earlier:
    """What lies in a run besides its last sweep, and how to see it."""

    folder: Path
    prompts: Sequence[str]
    """The names of those that the sweep does not have."""
    seeds: Sequence[int]
    weights: Sequence[float]
    sweep: SweepRecord
    """Of the sweep and of these, to ask for."""


def find(run: Path, sweep: SweepRecord | None) -> Earlier | None:
    """Return what lies in a run and is not in `sweep`, its last or one to come; None for nothing.

    What was rendered with another LoRA or workflow is left out: no command shows both.
    """
    if not sweep:
        return None
    bench = run / "bench"
    asked = [picture for picture in sweep.pictures_in(bench) if not picture.probe]
    others = origin.labelled(bench, sweep, {picture.path for picture in asked})
    lying = [one for one in others if not one.probe]
    if not lying:
        return None  # without a look into the thousands that were asked for
    inside = [picture for picture in asked if picture.path.exists()]
    outside = origin.alike(lying, inside)
    prompts, seeds, weights = (
        sorted({getattr(one, of) for one in outside} - {getattr(one, of) for one in asked})
        for of in ("prompt", "seed", "weight")
    )
    if not (prompts or seeds or weights):
        return None
    wider = {
        "seeds": (*sweep.seeds, *seeds),
        "weights": tuple(sorted({*sweep.weights, *weights} - {0.0})),
        "baseline": sweep.baseline or 0.0 in weights,
    }
    if prompts:
        wider["prompts"] = tuple(_prompts(sweep, outside, prompts))
    return Earlier(bench, prompts, seeds, weights, sweep.model_copy(update=wider))


def sentence(earlier: Earlier, language: Language = "en") -> str:
    """Say what lies there, before its command."""
    names = [labels.label(name, "", language) for name in earlier.prompts]
    weights = [f"{weight:.2f}" for weight in earlier.weights]
    seeds = list(map(str, earlier.seeds))
    kinds = {"earlier.prompts": names, "earlier.seeds": seeds, "earlier.weights": weights}
    parts = [
        phrase(key, language, count=len(words), words=phrases.listed(words, language))
        for key, words in kinds.items()
        if words
    ]
    both = {"parts": phrases.listed(parts, language), "folder": f"{earlier.folder}/"}
    return phrase("earlier.sentence", language, **both)


def _prompts(
    sweep: SweepRecord, outside: Sequence[Picture], prompts: Sequence[str]
) -> Iterator[str]:
    """Yield the sweep's further prompts and the earlier ones, as the setting takes them."""
    texts = {one.prompt: one.text for one in sweep.variants if not one.probe}
    texts |= {name: origin.prompt(one for one in outside if one.prompt == name) for name in prompts}
    triggers = [one.trigger for one in sweep.loras] or [sweep.trigger]
    for name, text in texts.items():
        if name and text:
            yield f"{name}: {variants.unfilled(text, triggers)}"
