"""What every command line of the pipeline shares: a log, errors without tracebacks, bars."""

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lorabench.errors import UserError

if TYPE_CHECKING:
    from tqdm import tqdm

log = logging.getLogger("lorabench")


def run(
    parser: argparse.ArgumentParser,
    program: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """Parse `argv`, run `program`, and return the exit status: its own, or 0 where it has none.

    Messages go to standard error and, with `--log`, to a file as well. A `UserError` is printed
    as one message (status 1); anything else is a fault of ours and keeps its traceback.
    """
    # A scheduler ends jobs with SIGTERM: like Ctrl-C, it lets a program clean up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the messages here too")
    arguments = parser.parse_args(argv)
    _start_log(arguments.log)
    try:
        return program(arguments) or 0
    except UserError as error:
        log.error("error: %s", error)
        return 1
    except OSError as error:
        log.error("error: %s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130
    except Exception:
        log.exception("an unexpected error; please report it with these lines")
        return 70


def bar(things: Iterable[Any] | None = None, **options: Any) -> "tqdm":
    """Return a tqdm progress bar with an ETA; away from a terminal, a line every ten seconds."""
    from tqdm import tqdm  # 40 ms that a program without a bar need not spend

    terminal = sys.stderr.isatty()
    options.setdefault("dynamic_ncols", terminal)
    return tqdm(things, mininterval=0.2 if terminal else 10, **options)


def agreed(question: str) -> bool:
    """Ask on the terminal; anything but yes is no, and so is the end of the input (Ctrl-D)."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()  # what follows begins a line of its own
        return False


def _start_log(path: Path | None) -> None:
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.INFO)  # a log file gets our finer messages, too
    handlers: list[logging.Handler] = [screen]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers, force=True)
    log.setLevel(logging.DEBUG)
    logging.captureWarnings(True)
