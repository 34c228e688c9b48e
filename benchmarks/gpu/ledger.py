"""What was found: a line as soon as it is known, and at the end a table for docs/performance.md."""

from dataclasses import dataclass, field
from typing import NamedTuple

HEAD = (
    "| | embedded | plain diffusers | embedded / plain | |",
    "| --- | --- | --- | --- | --- |",
)


class Row(NamedTuple):
    """A line of the table: what was looked at, the figures of both, and how it went."""

    what: str
    ours: str
    theirs: str
    ratio: str
    result: str

    def __str__(self) -> str:
        """Return the row in Markdown."""
        cells = (cell.replace("|", "/").replace("\n", " ") for cell in self)
        return f"| {' | '.join(cells)} |"


@dataclass
class Ledger:
    """All rows so far."""

    rows: list[Row] = field(default_factory=list)
    failed: bool = False

    def figure(self, what: str, unit: str, ours: float, theirs: float | None = None) -> None:
        """Note what was measured, beside the peer's figure if there is one."""
        plain = "" if theirs is None else f"{theirs:.3g} {unit}"
        ratio = f"{ours / theirs:.2f}" if theirs else ""
        self._note(Row(what, f"{ours:.3g} {unit}", plain, ratio, "measured"))

    def check(self, what: str, holds: bool, otherwise: str = "", words: str = "") -> None:
        """Note whether something holds; else what was found `otherwise`. `words` stand with it."""
        self.failed |= not holds
        self._note(Row(what, words, "", "", "pass" if holds else f"**FAIL** {otherwise}".strip()))

    def left_out(self, what: str, reason: str) -> None:
        """Note what was not run, or not to its end."""
        self._note(Row(what, "", "", "", f"left out: {reason}"))

    def table(self) -> str:
        """Return all rows in Markdown."""
        return "\n".join([*HEAD, *map(str, self.rows)])

    def _note(self, row: Row) -> None:
        self.rows.append(row)
        words = [row.what, row.ours, row.theirs and f"plain diffusers {row.theirs}"]
        words += [row.ratio and f"ratio {row.ratio}", row.result]
        print("; ".join(filter(None, words)), flush=True)
