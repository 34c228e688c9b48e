"""What the logs of a run's jobs say went wrong."""

from pathlib import Path

_SHOWN = 3


def written(logs: Path, since: float) -> list[Path]:
    """Return the jobs' logs that were written `since` (seconds, as mtimes)."""
    return [path for path in sorted(logs.rglob("*.log")) if path.stat().st_mtime >= since]


def errors(logs: Path, since: float) -> list[str]:
    """Return the last error in each of the logs that were written `since`.

    Each message once, though many cells may have failed of it.
    """
    return list(dict.fromkeys(filter(None, map(error, written(logs, since)))))


def error(log: Path) -> str:
    """Return the last error in a log; empty where there is none, or no log."""
    if not log.is_file():
        return ""
    text = log.read_text(encoding="utf-8", errors="replace")
    at = f"\n{text}".rfind("\nerror: ")
    return text[at:].strip() if at >= 0 else ""


def summary(logs: Path, since: float) -> str:
    """Return the first of these errors, to be said last of all; empty where there is none."""
    found = errors(logs, since)
    more = [f"and {len(found) - _SHOWN} more messages, in {logs}"] if len(found) > _SHOWN else []
    return "\n".join([*found[:_SHOWN], *more])
