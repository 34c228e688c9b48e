"""Which rules may make a file: the look-up of Snakemake's `OutputIndex`, by the file's name.

Snakemake compares each file with the end of each output that a rule has below the same folder. With
a grid for each of 1,000 seeds, that is a thousand comparisons for each of 10,000 pictures.
"""

from collections.abc import Iterable
from typing import Any


class Producers:
    """The rules of a workflow, by what they make."""

    def __init__(self, rules: Iterable[Any]) -> None:
        """Take Snakemake's rules."""
        self._by_name: dict[str, list[tuple[str, Any]]] = {}
        self._others: list[tuple[str, Any]] = []
        for rule in rules:
            for product in rule.products():
                end = str(product.constant_suffix())
                _, whole, name = end.rpartition("/")
                alike = self._by_name.setdefault(name, []) if whole else self._others
                alike.append((end, rule))

    def match_producers(self, file: str) -> set[Any]:
        """Return the rules that make a file."""
        named = self._by_name.get(file.rpartition("/")[2], ())
        candidates = {rule for end, rule in (*named, *self._others) if file.endswith(end)}
        return {rule for rule in candidates if rule.is_producer(file)}
