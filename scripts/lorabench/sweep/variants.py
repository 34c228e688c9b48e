"""Plan the prompts of a benchmark: its own, further ones, and the probes made of them.

A variant has a folder below `bench/`, except the benchmark's own prompt.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Literal, NamedTuple

from lorabench.errors import UserError
from lorabench.text import syntax

Probe = Literal["", "trigger", "untriggered"]
"""Not a probe; the trigger words alone; a prompt without them."""

FULL_STRENGTH = 1.0
"""A LoRA should work at this weight or below, and not copy there."""

PLACE = "{trigger}"
"""In a prompt of a file, this stands for the trigger words of the set."""

_LINE = re.compile(r"([\w.-]{1,40}): +(\S.*)")
_WORDS_IN_A_NAME = 5
_AROUND_NOTHING = re.compile(
    r"(?<!\\)(?:\(\s*(?::\s*[-+.\d]+\s*)?\)|\[\s*\])"  # `()`, `(:1.2)`, `[]`; not `\(\)`
    r"|(?<=[(\[])\s*,\s*|\s*,\s*(?=[)\]]|:[-+.\d]+\))"  # the comma in `(, a cat)`, `(a cat,:1.2)`
)


class Prompt(NamedTuple):
    """A prompt and the name that its folder and its row of a grid have."""

    name: str
    text: str


class Extent(NamedTuple):
    """How much is probed: seeds of the trigger alone, prompts that are drawn without it."""

    trigger_seeds: int
    untriggered_prompts: int


EXTENTS = {"full": Extent(8, 8), "quick": Extent(4, 3), "off": Extent(0, 0)}
"""The values of `probe`. Eight are what the verdict's figures need (docs/verdict.md)."""


@dataclass(frozen=True)
class Variant:
    """One prompt over the weights and seeds."""

    prompt: str
    """The prompt's name; empty for the benchmark's own, and for the trigger alone."""
    text: str | None
    """The prompt; None for a workflow's prompt that could not be read."""
    probe: Probe
    weights: tuple[float, ...]
    seeds: tuple[int, ...]
    lora: str = ""
    """The folder below `bench/` of the LoRA; empty for the one that the run is of."""
    baseline: str = ""
    """That of its pictures at weight 0, which have no LoRA; empty for `bench/` itself."""

    @property
    def name(self) -> str:
        """Its key among those of a LoRA, and a part of its folder; empty for the own prompt.

        It is never parsed.
        """
        if self.probe == "trigger":
            return self.probe
        return ".".join(filter(None, [self.prompt and f"prompt-{self.prompt}", self.probe]))

    def of(self, weight: float) -> str:
        """Return the folder of the LoRA at this weight: that of none at 0."""
        return self.lora if weight else self.baseline

    def folder(self, weight: float) -> str:
        """Return the folder below `bench/` of its pictures at a weight, with its `/`."""
        return "".join(f"{part}/" for part in (self.of(weight), self.name) if part)


def plan(
    own: str | None,
    prompts: Sequence[Prompt],
    trigger: str,
    extent: Extent,
    weights: Sequence[float],
    seeds: Sequence[int],
) -> list[Variant]:
    """Return all variants, the benchmark's own prompt first.

    Every prompt has all of the user's `weights` (ascending) and `seeds`. The trigger alone has
    every weight and full strength, where a copy shows most, with seeds that follow the first one;
    untriggered prompts have weight 0 and the weight at which a leak shows, with the first seed.
    `trigger` is plain text, the prompts are in ComfyUI's syntax.
    """
    weights, seeds = tuple(weights), tuple(seeds)
    asked = [Variant("", own, "", weights, seeds)]
    asked += [Variant(name, text, "", weights, seeds) for name, text in prompts]
    return [*asked, *_probes(asked, trigger, extent)]


def _probes(asked: Sequence[Variant], trigger: str, extent: Extent) -> Iterator[Variant]:
    weights, seeds = asked[0].weights, asked[0].seeds
    if not trigger or 0 not in weights:
        return  # a probe is judged against what is drawn without the LoRA
    if extent.trigger_seeds:
        following = tuple((seeds[0] + step) % 2**64 for step in range(extent.trigger_seeds))
        yield Variant("", syntax.escaped(trigger), "trigger", copy_weights(weights), following)
    few = tuple(sorted({0.0, usual_weight(weights)}))
    triggered = [variant for variant in asked if has(variant.text or "", trigger)]
    for variant in triggered[: extent.untriggered_prompts]:
        if text := without(variant.text or "", trigger):
            yield Variant(variant.prompt, text, "untriggered", few, seeds[:1])


def cells(variants: Iterable[Variant]) -> set[tuple[str, float, int]]:
    """Return the cells by folder, weight and seed; LoRAs share those at weight 0."""
    return {
        (one.folder(weight), weight, seed)
        for one in variants
        for weight in one.weights
        for seed in one.seeds
    }


def copy_weights(weights: Sequence[float]) -> tuple[float, ...]:
    """Return the weights at which to look for copies: all, and 1 if all are lower."""
    above = () if max(weights) >= FULL_STRENGTH else (FULL_STRENGTH,)
    return (*weights, *above)


def usual_weight(weights: Sequence[float]) -> float:
    """Return the weight at which a LoRA is mostly used: that nearest to 0.8, the lower of two.

    A leak is looked for there.
    """
    return min(
        (weight for weight in weights if weight),
        key=lambda weight: (round(abs(weight - 0.8), 6), weight),
        default=0.0,
    )


def has(text: str, trigger: str) -> bool:
    """Return whether a prompt holds the trigger words."""
    return bool(syntax.word(trigger).search(text))


def without(text: str, trigger: str) -> str:
    """Return a prompt without its trigger words, and without what they leave of its punctuation.

    That is a comma, and the brackets and the number that emphasised nothing else.
    """
    rest = syntax.word(trigger).sub("", text)
    while (bare := _AROUND_NOTHING.sub("", rest)) != rest:
        rest = bare
    tags = [" ".join(tag.split()) for tag in rest.split(",")]
    return ", ".join(tag for tag in tags if tag)


def named(lines: Sequence[str], trigger: str) -> list[Prompt]:
    """Return the prompts in `lines`, each `name: prompt` or `prompt`, with the trigger filled in.

    Raises `UserError` for a line that is empty or the same as another, for a name that two were
    given, and as `filled` does.
    """
    found = [_LINE.fullmatch(line.strip()) for line in lines]
    taken = _given_names(match[1] for match in found if match)
    prompts = []
    for line, match in zip(lines, found, strict=True):
        name, text = match.groups() if match else ("", line.strip())
        name = name or _free(name_of(text.replace(PLACE, "")), taken)
        taken.add(name)
        prompts.append(Prompt(name, filled(text, trigger, "prompts")))
    _check_texts(prompts)
    return prompts


def _check_texts(prompts: Sequence[Prompt]) -> None:
    """Refuse an empty prompt, and two that are the same."""
    names: dict[str, str] = {}
    for name, text in prompts:
        if not text:
            raise UserError("prompts: one is empty; leave it out, or write what it should show")
        if text in names:
            raise UserError(f"prompts: {names[text]} and {name} are the same, {text!r}; keep one")
        names[text] = name


def _given_names(names: Iterable[str]) -> set[str]:
    given: set[str] = set()
    for name in names:
        if name in given:
            raise UserError(
                f"prompts: two are called {name}; give each a name of its own, `name: prompt`"
            )
        if name.endswith(".untriggered"):
            raise UserError(f"prompts: {name}: a probe's folder ends so; take another name")
        given.add(name)
    return given


def _free(name: str, taken: Set[str]) -> str:
    """Return a name that is not taken: itself, or with a number behind it."""
    numbered = (f"{name}-{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def filled(text: str, trigger: str, key: str) -> str:
    """Return a prompt with the trigger words where `PLACE` is; `key` is the setting it is from.

    Raises `UserError` where the place is misspelt, or there are no trigger words for it.
    """
    for word in re.findall(r"\{\w+\}", text):
        if word != PLACE and difflib.get_close_matches(word, [PLACE]):
            raise UserError(f"{key}: {text!r} has {word}; did you mean {PLACE}?")
    if PLACE in text and not trigger:
        raise UserError(
            f"{key}: {text!r} has {PLACE}, but the captions share no first tag; "
            "say with trigger= which words call the LoRA"
        )
    return syntax.called(text.replace(PLACE, syntax.escaped(trigger)), trigger)


def unfilled(text: str, triggers: Iterable[str]) -> str:
    """Return a prompt with `PLACE` in place of trigger words, the longest that it has of these."""
    longest = sorted(filter(None, triggers), key=len, reverse=True)
    trigger = next((one for one in longest if has(text, one)), "")
    return syntax.word(trigger).sub(PLACE, text) if trigger else text


def read(path: Path) -> list[str]:
    """Return a file's prompts, without comments (#); `UserError` if it is unreadable or empty."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"prompts: {path} cannot be read ({error}); give a text file with one prompt a line, "
            'or a list: \'prompts=["a cat", "a dog"]\''
        ) from None
    found = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise UserError(f"prompts: {path} holds no prompt; one a line is expected")
    return found


def name_of(text: str) -> str:
    """Make a name of the first words of a prompt."""
    words = re.findall(r"\w+", text.lower())[:_WORDS_IN_A_NAME]
    return "-".join(words)[:40] or "prompt"
