"""What is held against a limit at one weight, in the order in which it is told."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np
import pandas as pd

from lorabench.bench.embeddings.embedding import BASE
from lorabench.bench.measures.faults import CONSTANT_BELOW, UNCHANGED_BELOW
from lorabench.bench.verdicts.summary import prompts_apart
from lorabench.bench.verdicts.unjudged import ENOUGH_PROMPTS, Z
from lorabench.bench.verdicts.verdict import COPIED, Finding, Label
from lorabench.settings.models import VerdictSettings

CONSTANT = 1 / 2
"""The share of pictures of one colour from which on the LoRA is broken."""
COHERENT = 0.4
"""The correlation of neighbouring parts under which pictures are noise (docs/verdict.md)."""
DOUBT = "text_lost"
"""What a CLIP says where the prompt is lost by it."""
_AGREED, _DISPUTED = "prompt_lost_twice", "prompt_lost_disputed"
"""What the composition says where a CLIP says so, too, and where it says the contrary."""
_SURE = 6.0
"""Standard errors beyond which nothing gets surer."""


@dataclass(frozen=True)
class Check:
    """A number of one weight on one side of its limit or the other."""

    label: Label
    """What the weight is where the number fails."""
    code: str
    value: float
    limit: float
    spread: float = 0.0
    """Standard deviation between prompts."""
    prompts: int = 0
    """How many it is the mean of; 0 for what is no mean over prompts."""
    usual: float = 0.0
    """The standard deviation that the prompts usually have, for few may agree by chance."""
    highest: bool = False
    """Whether the limit is the highest value that will do, not the lowest."""
    at_limit: bool = False
    """Whether the limit itself fails."""
    witness: bool = False
    """Whether it only stands beside another number, and decides nothing."""
    pictures: int = 0
    """How many it stands on."""
    similarity: float | None = None
    """What makes a copy, of a share of copies."""

    @property
    def failed(self) -> bool:
        """Whether the number is on the wrong side, and that counts."""
        return self.missed and not self.witness

    @property
    def missed(self) -> bool:
        """Whether the number is on the wrong side."""
        return self._beyond > 0 or (self.at_limit and self._beyond == 0)

    @property
    def errors(self) -> float:
        """By how many standard errors it fails; negative where it does not."""
        if self.witness:
            return -_SURE
        error = self._spread / sqrt(max(self.prompts, 1))
        return float(np.clip(self._beyond / max(error, 1e-3), -_SURE, _SURE))

    @property
    def needs(self) -> int:
        """How many prompts have the limit outside their mean's 95 % interval."""
        return ceil((Z * self._spread / max(abs(self._beyond), 1e-3)) ** 2)

    def finding(self, weight: float) -> Finding:
        """Return what it says."""
        return Finding(
            self.code,
            weight,
            round(self.value, 4),
            self.limit,
            spread=round(self.spread, 4) if self.prompts > 1 else None,
            prompts=self.prompts or None,
            measured=self.pictures,
            needs=self.needs if self.prompts else None,
            similarity=self.similarity,
        )

    @property
    def _beyond(self) -> float:
        return self.value - self.limit if self.highest else self.limit - self.value

    @property
    def _spread(self) -> float:
        few = self.prompts < ENOUGH_PROMPTS
        return max(self.spread, self.usual) if few else self.spread


def checks(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Iterator[Check]:
    """Yield what is known of the pictures at a weight, probes included.

    First what leaves nothing else to see, then whether anything happens at all, then what is
    wrong, the main reason first; the style comes last.
    """
    at = table[table["weight"] == weight]
    asked = at[at["probe"] == ""]
    constant = float((asked["contrast"] < CONSTANT_BELOW).mean())
    yield Check("broken", "constant", constant, CONSTANT, highest=True, at_limit=True,
                pictures=len(asked))  # fmt: skip
    coherence = _mean("fried", "noise", asked["coherence"], asked, COHERENT)
    if not np.isnan(coherence.value):
        yield coherence
    yield _mean("dead", "no_effect", asked["difference"], asked, UNCHANGED_BELOW)
    yield from copies(table, weight, limits)
    yield _mean("weak", "little_change", 1 - asked["ssim"], asked, limits.change, 0.05)
    apart = prompts_apart(table, weight)
    if not np.isnan(apart.mean):
        error = (apart.high - apart.low) / (2 * Z) * sqrt(asked["variant"].nunique())
        yield Check("lost", "prompts_ignored", apart.mean, limits.prompts_apart, error,
                    asked["variant"].nunique(), pictures=len(asked))  # fmt: skip
    for check in (
        *_prompt(asked, limits),
        _mean("fried", "off_range", asked["outside"], asked, limits.outside, 0.02, highest=True),
        _mean("fried", "beside", asked["style_beside"], asked, limits.beside, 1.5, highest=True),
        _mean("fried", "structure_lost", asked["structure"], asked, limits.structure, 0.1),
        *_likeness(asked, limits),
        _mean("weak", "style_low", asked["style_gained"], asked, limits.style, 0.2),
    ):
        if not np.isnan(check.value):
            yield check


def _prompt(asked: pd.DataFrame, limits: VerdictSettings) -> Iterator[Check]:
    """Yield whether the pictures show their prompts: by composition, beside it by a CLIP if given.

    The composition decides, and its words say what the CLIP says (docs/verdict.md has the reason).
    """
    composition = _mean("lost", "prompt_lost", asked["prompt_kept"], asked, limits.prompt_kept, 0.2)
    column = _embedded(asked, "prompt")
    if column is None:
        yield composition
        return
    text = _mean("lost", DOUBT, asked[column], asked, limits.prompt_kept, 0.2)
    if composition.failed:
        composition = replace(composition, code=_AGREED if text.failed else _DISPUTED)
    yield from (composition, replace(text, witness=True))


def _likeness(asked: pd.DataFrame, limits: VerdictSettings) -> Iterator[Check]:
    """Yield whether the character is there: by an embedding that was given, and says so."""
    if limits.likeness <= -1:
        return
    column = _embedded(asked, "likeness")
    code = "embedding_missing" if column else "character_missing"
    yield _mean("weak", code, asked[column or "likeness"], asked, limits.likeness, 0.2)


def _embedded(asked: pd.DataFrame, kind: str) -> str | None:
    """Return the column of an embedding that was given and says something.

    The base model's own features tell styles apart, not characters, so they do not count.
    """
    columns = (name for name in asked.columns if name.endswith(f"_{kind}"))
    own = f"{BASE}_{kind}"
    return next((name for name in columns if name != own and asked[name].notna().any()), None)


def copies(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Iterator[Check]:
    """Yield which share of the pictures at a weight are copies of training pictures.

    A copy is more like a training picture than `copy_similarity`, and by `copy_excess` more so
    than the same prompt and seed without the LoRA. What the trigger words alone draw is looked at
    first, then what the prompts draw.
    """
    at = table[table["weight"] == weight]
    copied = (at["copy_similarity"] > limits.copy_similarity) & (
        at["copy_excess"] > limits.copy_excess
    )
    for probe, code in (("trigger", "copies"), ("", "prompts_copied")):
        of_probe = copied[at["probe"] == probe]
        if len(of_probe):
            share = float(of_probe.mean())
            yield Check("copies", code, share, COPIED, highest=True, at_limit=True,
                        pictures=len(of_probe), similarity=limits.copy_similarity)  # fmt: skip


def _mean(
    label: Label,
    code: str,
    column: pd.Series,
    asked: pd.DataFrame,
    limit: float,
    usual: float = 0.0,
    highest: bool = False,
) -> Check:
    """Return the mean over prompts of the means over their seeds."""
    values = column.groupby(asked["variant"]).mean().dropna()
    spread = float(values.std()) if len(values) > 1 else 0.0
    mean = float(values.mean()) if len(values) else np.nan
    pictures = len(column.dropna())
    return Check(label, code, mean, limit, spread, len(values), usual, highest, pictures=pictures)
