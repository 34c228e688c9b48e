"""Pictures of an earlier, wider sweep that the last one left out: they still lie in the run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench import phrases
from lorabench.bench import origin, shown
from lorabench.bench.cell import Cell, sweep
from lorabench.bench.variants import probe_of
from lorabench.config import read_yaml
from lorabench.phrases import Language
from lorabench.report import again

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
    """Variants of which the sweep has none."""
    seeds: Sequence[int]
    weights: Sequence[float]
    command: str
    """Asks for the sweep and for these."""


def find(
    run: Path, base: Path | None = None, to_come: Mapping[str, Any] | None = None
) -> Earlier | None:
    """Return what lies in a run and is not in its last sweep; None where there is nothing.

    With a sweep `to_come`, in a form as sweep.yaml's, that one counts in place of the last.

    What was rendered with another LoRA or workflow is left out: no command shows both. `base` is
    where the base model lies.
    """
    path = run / "bench" / "sweep.yaml"
    told = dict(to_come or (read_yaml(path) if path.exists() else {}))
    variants = told.get("variants") or []
    asked = {
        (one["name"], seed, weight)
        for one in variants
        for seed in one["seeds"]
        for weight in one["weights"]
    }
    inside, outside = [], []
    for cell in sweep((run / "bench").glob("**/w*/seed*.png")):
        if not probe_of(cell.variant):
            there = (cell.variant, cell.seed, cell.weight) in asked
            (inside if there else outside).append(cell)
    outside = origin.alike(outside, inside)
    names, seeds, weights = (
        sorted({getattr(cell, of) for cell in outside} - {getattr(cell, of) for cell in inside})
        for of in ("variant", "seed", "weight")
    )
    if not (names or seeds or weights):
        return None
    wider = {
        **told,
        "seeds": [*told["seeds"], *seeds],
        "weights": sorted({*told["weights"], *weights} - {0.0}),
        "baseline": told.get("baseline") or 0.0 in weights,
    }
    if names:
        wider["prompts"] = list(_prompts(variants, outside, names))
    return Earlier(
        run / "bench", names, seeds, weights, again.command(again.record_of(run, told), wider, base)
    )


def sentence(earlier: Earlier, language: Language = "en") -> str:
    """Say what lies there, before its command."""
    at = language == "ja"
    names = [shown.label(name, language) for name in earlier.prompts]
    weights = [f"{weight:.2f}" for weight in earlier.weights]
    kinds = {"prompts": names, "seeds": list(map(str, earlier.seeds)), "weights": weights}
    parts = [
        phrases.fill(_KINDS[kind][at], count=len(words), words=phrases.listed(words, language))
        for kind, words in kinds.items()
        if words
    ]
    return _SENTENCE[at].format(phrases.listed(parts, language), f"{earlier.folder}/")


def _prompts(
    variants: Sequence[Mapping[str, Any]], outside: Sequence[Cell], names: Sequence[str]
) -> Iterator[str]:
    """Yield the sweep's further prompts and the earlier ones, as the setting takes them."""
    texts = {one["name"]: one.get("text") for one in variants if not one.get("probe")}
    texts |= {
        name: origin.prompt(cell for cell in outside if cell.variant == name) for name in names
    }
    for name, text in texts.items():
        if name and text:
            yield f"{name.removeprefix('prompt-')}: {text}"
