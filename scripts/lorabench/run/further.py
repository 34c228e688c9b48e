"""The record of a sweep that went on by itself, `bench/further.yaml`: at which weights, too."""

from typing import ClassVar

from lorabench.settings.records import Record


class Further(Record):
    """The weights beyond the default ones, so that the same command keeps to them."""

    what: ClassVar[str] = "sweep that went on"

    weights: tuple[float, ...]
