"""The verdict on a LoRA as other programs read it: `bench/verdict.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lorabench.errors import UserError

FORMAT = 1

Label = Literal["works", "weak", "dead", "broken", "fried", "lost", "copies", "uncertain"]


@dataclass(frozen=True)
class Finding:
    """One reason, to be put in words by `words.py`: what was found, at which weight."""

    code: str
    weight: float | None = None
    value: float | None = None
    limit: float | None = None
    pictures: int | None = None
    """How many more are needed to judge what could not be judged."""
    spread: float | None = None
    """The standard deviation between prompts of what `value` is the mean of."""


@dataclass(frozen=True)
class Verdict:
    """What the benchmark says of a LoRA."""

    label: Label
    leaks: bool | None = None
    """Whether it acts without its trigger words; None where that is not known."""
    weight: float | None = None
    """The weight to use; None where none will do, or, if the label is "uncertain", where that is
    not known."""
    tie: list[float] = field(default_factory=list)
    """The weights that are as good as the best one, including it; ascending."""
    window: tuple[float, float] | None = None
    """The lowest and the highest usable weight of the sweep; None as for `weight`."""
    below: Finding | None = None
    """Why no weight below the window will do; None where it begins with the sweep."""
    above: Finding | None = None
    """Why no weight above it will do."""
    reasons: list[Finding] = field(default_factory=list)
    """Why the label is what it is."""
    unknown: list[Finding] = field(default_factory=list)
    """What could not be judged from these pictures, and how many more would settle it."""
    labels: dict[str, str] = field(default_factory=dict)
    """What each weight is by itself, such as {"0.40": "weak", "0.80": "works"}."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """The limits that were applied."""
    checks: dict[str, list[Finding]] = field(default_factory=dict)
    """All that was held against a limit at each weight, what failed and what did not."""
    leak: float | None = None
    """The style gained without the trigger words over that with them; None as for `leaks`."""


def in_window(weights: Sequence[float], verdict: Verdict | None) -> list[bool]:
    """Return whether the verdict calls each weight usable."""
    low, high = (verdict and verdict.window) or (1.0, 0.0)
    return [low <= weight <= high for weight in weights]


def write(verdict: Verdict, path: Path) -> None:
    """Write the verdict as JSON."""
    text = json.dumps({"format": FORMAT, **asdict(verdict)}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Verdict:
    """Read what `write` wrote; raise `UserError` for anything else."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format", FORMAT) > FORMAT:
            raise ValueError("written by a newer lorabench; update this one")
        for name in ("reasons", "unknown"):
            content[name] = [Finding(**finding) for finding in content[name]]
        content["checks"] = {
            weight: [Finding(**finding) for finding in findings]
            for weight, findings in content.get("checks", {}).items()
        }
        for name in ("below", "above"):
            content[name] = Finding(**content[name]) if content[name] else None
        content["window"] = tuple(content["window"]) if content["window"] else None
        return Verdict(**content)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path}: not a verdict of bench_verdict.py ({error}); judge again with --forcerun "
            "bench_verdict"
        ) from None
