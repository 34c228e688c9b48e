"""The command line that the trials share: which kinds of fault, and how many of each."""

import argparse
import sys
from collections.abc import Collection, Sequence


def parser(
    description: str | None, kinds: Collection[str], cases: int, each: str
) -> argparse.ArgumentParser:
    """Return a command line with --cases, --seed and --kinds; `each` says what is counted."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cases", type=int, default=cases, help=f"{each} (default: {cases})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=list(kinds))
    return parser


def say(kind: str, *counts: object, wrong: Sequence[str]) -> int:
    """Print a row of the table, and each fault to standard error; return how many there are."""
    print("|", " | ".join(map(str, (kind, *counts, len(wrong)))), "|", flush=True)
    for fault in wrong:
        print(f"{kind}: {fault}", file=sys.stderr, flush=True)
    return len(wrong)
