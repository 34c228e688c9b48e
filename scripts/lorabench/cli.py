"""Shared by every command line of the pipeline: a log, errors without tracebacks, bars."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from lorabench.errors import UserError, of_system
from lorabench.text import relay
from lorabench.text.plain import Formatter
from lorabench.text.screen import DRAWN, EVERY_SECONDS, PLAIN

if TYPE_CHECKING:
    from tqdm import tqdm

log = logging.getLogger("lorabench")
DETAIL = 15
"""The level of messages for people who run a program by hand, without a workflow."""
_screen: relay.Sender | None = None
"""The screen of the workflow that runs this program."""


def run(
    parser: argparse.ArgumentParser,
    program: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """Parse `argv`, run `program`, and return its exit status, or 0 if it has none.

    Messages go to standard error and, with `--log`, to a file as well. A `UserError` is printed
    as one message (status 1); anything else is a fault of ours and keeps its traceback.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # else the workflow, or a shell, hears it
            signal.signal(number, _interrupt)
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the messages here too")
    arguments = parser.parse_args(argv)
    try:
        _start_log(arguments.log)
        return program(arguments) or 0
    except UserError as error:
        log.error("error: %s", error)
        return 1
    except OSError as error:
        log.error("error: %s", of_system(error))
        return 1
    except KeyboardInterrupt:
        detail("interrupted")
        return 130
    except Exception:
        log.exception("an unexpected error; please report it with these lines")
        return 70


def detail(message: str, *values: object) -> None:
    """Log a message for people who run a program by hand; in a workflow, only to its log."""
    log.log(DETAIL, message, *values)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, but only once, so that nothing interrupts the clean-up.

    A scheduler ends jobs with SIGTERM; a terminal sends Ctrl-C to all its programs.
    """
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            one, lambda *_: None
        )  # not SIG_IGN: Python prints an error for a pending signal
    raise KeyboardInterrupt


def bar(things: Iterable[Any] | None = None, *, unit: str, **options: Any) -> "tqdm":
    """Return a progress bar with an ETA; away from a terminal, a line every half a minute."""
    options["unit"] = unit
    from tqdm import tqdm  # 40 ms that a program without a bar need not spend

    from lorabench.text.bars import Bar

    if _screen:
        return Bar(things, partial(_relayed, _screen), mininterval=0.2, **options)
    if sys.stderr.isatty():
        return tqdm(things, mininterval=0.2, dynamic_ncols=True, bar_format=DRAWN, **options)
    return Bar(things, _as_lines, mininterval=EVERY_SECONDS, bar_format=PLAIN, **options)


def _relayed(screen: relay.Sender, bar: "tqdm", over: bool) -> None:
    state = bar.format_dict
    screen.send(
        {
            **{"bar": f"{os.getpid()} {id(bar)}", "over": over, "leave": bool(bar.leave)},
            **{"name": state["prefix"].removesuffix(": "), "note": state["postfix"] or ""},
            **{"done": state["n"], "total": state["total"], "unit": state["unit"]},
            **{"seconds": state["elapsed"], "rate": state["rate"]},
        }
    )


def _as_lines(bar: "tqdm", over: bool) -> None:
    if not over:
        print(bar, file=sys.stderr, flush=True)


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, at least 1")
    return int(text)


def agreed(question: str) -> bool:
    """Ask on the terminal; anything but yes is no, including the end of the input (Ctrl-D)."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()  # the next message begins a new line
        return False


def _start_log(path: Path | None) -> None:
    global _screen
    _screen = relay.sender(path)
    screen = _screen or logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.INFO if _screen else DETAIL)  # a log file gets our finer messages, too
    handlers: list[logging.Handler] = [screen]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    log.setLevel(logging.DEBUG)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that a full disk cuts short is no second error
