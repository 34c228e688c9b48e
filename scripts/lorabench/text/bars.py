"""Progress bars of programs, drawn by whoever has the screen."""

import io
from collections.abc import Callable, Iterable
from typing import Any

from tqdm import tqdm


class Bar(tqdm):
    """A tqdm bar that is not drawn but handed to `show`, with whether it is over."""

    def __init__(
        self, things: Iterable[Any] | None, show: Callable[[tqdm, bool], None], **options: Any
    ) -> None:
        """Hand the bar to `show` as often as tqdm would draw it."""
        self._show = show
        super().__init__(things, file=io.StringIO(), **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Hand it over; tqdm takes a bar that is not to be left away by drawing an empty one."""
        if msg != "":
            self._show(self, False)

    def close(self) -> None:
        """End it."""
        if not self.disable:
            super().close()
            self._show(self, True)
