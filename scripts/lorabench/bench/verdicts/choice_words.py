"""Say in English and Japanese which of several LoRAs to use."""

from collections.abc import Iterator, Sequence

from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Choice, Verdict
from lorabench.sweep.loras import SweptLora, label
from lorabench.text import phrases
from lorabench.text.phrases import Language, listed

TEXTS = {
    "use": (
        "of {number} LoRAs, use {lora} at {weight:g}",
        "{number} 個の LoRA のうち {lora} を {weight:g} で使う",
    ),
    "alone": ("use {lora} at {weight:g}", "{lora} を {weight:g} で使う"),
    "none": (
        "none of {number} LoRAs works; {lora} comes nearest ({label})",
        "{number} 個の LoRA に使えるものはありません。最も近いのは {lora}({label})です",
    ),
    "unjudged": (
        "which of {number} LoRAs to use: {why}",
        "{number} 個の LoRA のうちどれを使うか: {why}",
    ),
    "tie": (" (as good: {others})", "(同等: {others})"),
    "over_trained": (
        "over-trained from {lora} on: {label} at {weight:g}",
        "{lora} 以降は過学習: {weight:g} で{label}",
    ),
    "unfinished": (
        "the last one, {lora}, is the best: training on may pay",
        "最後の {lora} が最良: 学習を続けるとさらに良くなる可能性があります",
    ),
    "few": (" (a first look, at {prompts} prompts)", "(プロンプト {prompts} 個だけの下見)"),
    "at": ("{label} at {weight:g}", "{weight:g} で{label}"),
    "window": (
        "{label} at {weight:g}, usable {low:g} to {high:g}",
        "{weight:g} で{label}({low:g}〜{high:g})",
    ),
}


def headline(verdict: Verdict, loras: Sequence[SweptLora], language: Language = "en") -> str:
    """Return which LoRA to use, at which weight, and which are as good."""
    choice, names = _choice(verdict), _names(loras, language)
    numbers = {"number": len(loras), "lora": names[choice.lora]}
    if verdict.label == "uncertain":
        return _say("unjudged", language, **numbers, why=words.no_weight(verdict, language))
    if verdict.weight is None:
        return _say("none", language, **numbers, label=words.label(verdict.label, language))
    kind = "use" if len(loras) > 1 else "alone"
    said = _say(kind, language, **numbers, weight=verdict.weight)
    others = [names[key] for key in choice.tie if key != choice.lora]
    return said + (_say("tie", language, others=listed(others, language)) if others else "")


def course(verdict: Verdict, loras: Sequence[SweptLora], language: Language = "en") -> str:
    """Return where a series is trained for too long, or that it may go on; empty if unknown."""
    choice, names = _choice(verdict), _names(loras, language)
    if choice.over_trained and choice.over_trained_from is not None:
        return _say(
            "over_trained",
            language,
            lora=names[choice.over_trained_from],
            label=words.label(choice.over_trained.code, language),
            weight=choice.over_trained.weight,
        )
    return _say("unfinished", language, lora=names[loras[-1].key]) if choice.unfinished else ""


def each(verdict: Verdict, loras: Sequence[SweptLora], language: Language = "en") -> Iterator[str]:
    """Yield the verdict on each LoRA in a few words: the best first, or a series in its order."""
    choice, names = _choice(verdict), _names(loras, language)
    in_order = [one.key for one in loras]
    if not any(one.series for one in loras):
        in_order.sort(key=lambda key: _rank(choice, key))
    for key in in_order:
        few = choice.prompts.get(key, 0) < max(choice.prompts.values(), default=0)
        seen = _say("few", language, prompts=choice.prompts[key]) if few else ""
        yield f"{names[key]}: {short(choice.each[key], language)}{seen}"


def short(verdict: Verdict, language: Language = "en") -> str:
    """Return a LoRA's label, weight and window in a few words."""
    named = words.label(verdict.label, language)
    if verdict.weight is None or not verdict.window:
        return named
    low, high = verdict.window
    kind = "at" if low == high else "window"
    return _say(kind, language, label=named, weight=verdict.weight, low=low, high=high)


def lines(verdict: Verdict, loras: Sequence[SweptLora]) -> list[str]:
    """Return the verdict on one or several LoRAs as plain lines of English, for a terminal."""
    if not verdict.choice:
        return words.lines(verdict)
    of_chosen = [] if verdict.weight is not None else words.lines(verdict)[1:]
    said = [f"Verdict: {headline(verdict, loras)}", *of_chosen]
    said += [f"  {text}" for text in [course(verdict, loras)] if text]
    return [*said, *(f"  {text}" for text in each(verdict, loras))]


def _choice(verdict: Verdict) -> Choice:
    assert verdict.choice
    return verdict.choice


def _names(loras: Sequence[SweptLora], language: Language) -> dict[str, str]:
    return {one.key: label(one, language) for one in loras}


def _rank(choice: Choice, key: str) -> int:
    return choice.ranking.index(key) if key in choice.ranking else len(choice.ranking)


def _say(kind: str, language: Language, **numbers: object) -> str:
    return phrases.say(TEXTS[kind], language, **numbers)
