"""Pictures of an earlier, wider sweep that the last one left out: they still lie in the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.sweep import labels, origin
from lorabench.sweep.pictures import Picture
from lorabench.sweep.record import SweepRecord
from lorabench.text import phrases
from lorabench.text.phrases import Language

_KINDS = {
    "prompts": ("of the {count:prompt|prompts} {words}", "プロンプト {words}"),
    "seeds": ("of {count:seed|seeds} {words}", "シード {words}"),
    "weights": ("at {count:weight|weights} {words}", "重み {words}"),
}
_SENTENCE = (
    "Pictures {} were rendered earlier and lie in {}; this command shows them, too:",
    "{}の画像は以前に描画済みで、{} にあります。次のコマンドで表示に加わります:",
)


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
    asked = [picture for picture in sweep.pictures(bench) if not picture.probe]
    others = origin.labelled(bench, sweep, {picture.path for picture in asked})
    inside = [picture for picture in asked if picture.path.exists()]
    outside = origin.alike([one for one in others if not one.probe], inside)
    prompts, seeds, weights = (
        sorted({getattr(one, of) for one in outside} - {getattr(one, of) for one in inside})
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
    at = language == "ja"
    names = [labels.label(name, "", language) for name in earlier.prompts]
    weights = [f"{weight:.2f}" for weight in earlier.weights]
    kinds = {"prompts": names, "seeds": list(map(str, earlier.seeds)), "weights": weights}
    parts = [
        phrases.fill(_KINDS[kind][at], count=len(words), words=phrases.listed(words, language))
        for kind, words in kinds.items()
        if words
    ]
    return _SENTENCE[at].format(phrases.listed(parts, language), f"{earlier.folder}/")


def _prompts(
    sweep: SweepRecord, outside: Sequence[Picture], prompts: Sequence[str]
) -> Iterator[str]:
    """Yield the sweep's further prompts and the earlier ones, as the setting takes them."""
    texts = {one.prompt: one.text for one in sweep.variants if not one.probe}
    texts |= {name: origin.prompt(one for one in outside if one.prompt == name) for name in prompts}
    for name, text in texts.items():
        if name and text:
            yield f"{name}: {text}"
