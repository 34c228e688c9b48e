"""Why a LoRA turned out as it did, as far as its training set says so."""

from collections.abc import Iterator

from lorabench.bench.measures.training_set import TrainingSet
from lorabench.bench.verdicts.verdict import Finding, Label
from lorabench.dataset.checks import FEW, GIVEN_BACK, SAME_SUBJECT

_SAID = 0.5
"""The share of captions that need the trigger words."""
_APART = 2.0
"""Spreads by which the training pictures differ from the base model's, or there is no style."""
_BESIDE = 0.1
"""The share of pictures without the trigger words from which on it should not leak."""


def causes(
    label: Label, taught: TrainingSet | None, trigger: bool, lost: bool
) -> Iterator[Finding]:
    """Yield what explains a label, the main cause first.

    `lost`: whether a style loses the subject at some weight, though it may work at another.
    """
    if not taught or not taught.pictures:
        return
    said = taught.with_trigger / taught.pictures
    if trigger and said < _SAID:
        yield Finding("trigger_unsaid", value=round(said, 4), limit=_SAID,
                      measured=taught.pictures)  # fmt: skip
    if label in ("weak", "lost", "copies") and taught.pictures <= FEW:
        yield Finding("few_pictures", value=taught.pictures, limit=FEW)
    if label == "lost" and taught.captions == 1 < taught.pictures:
        yield Finding("captions_alike", measured=taught.pictures)
    elif lost and taught.subject:
        yield Finding("subject_alike", value=taught.naming, limit=SAME_SUBJECT,
                      word=taught.subject)  # fmt: skip
    if label in ("weak", "lost", "fried"):
        if taught.detail is not None and taught.detail < GIVEN_BACK:
            yield Finding("detail_lost", value=taught.detail, limit=GIVEN_BACK)
        if taught.apart is not None and taught.apart < _APART:
            yield Finding("no_style", value=taught.apart, limit=_APART)


def should_not_leak(taught: TrainingSet | None) -> bool:
    """Return whether so many pictures had no trigger words that it could learn what they mean."""
    if not taught or not taught.with_trigger:
        return False
    # Regularization pictures are shown as often as the set's own, however many there are.
    return bool(taught.beside) or 1 - taught.with_trigger / taught.pictures >= _BESIDE
