"""Recognize the files that one training saved on its way, and put them in order.

The names are those of kohya's sd-scripts and musubi-tuner (`ink-000004`, `ink-step00001200`),
ai-toolkit (`ink_000001200`), OneTrainer (`ink2026-01-31_12-00-00-save-1200-4-0`) and diffusers
(`checkpoint-500/`), and those that people give (`ink_e8`, `ink-epoch8`, `ink-1200steps`).
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

DIFFUSERS = "pytorch_lora_weights"
"""The stem of every file of diffusers'."""

_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<series>.+)-(?P<epoch>\d{6})",
        r"(?P<series>.+)-step(?P<step>\d{8})",
        r"(?P<series>.+)_(?P<step>\d{9})",
        r"(?P<series>.*?)[-_ ]?\d{4}(?:-\d\d){2}_\d\d(?:-\d\d){2}"
        r"-save-(?P<step>\d+)-(?P<epoch>\d+)-\d+",
        r"(?P<series>.+?)[-_. ]e(?:p|poch)?[-_ ]?(?P<epoch>\d{1,4})",
        r"(?P<series>.+?)[-_. ]s(?:teps?)?[-_ ]?(?P<step>\d{2,7})",
        r"(?P<series>.+?)[-_. ](?P<step>\d{2,7})[-_ ]?steps?",
    )
)
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Saved:
    """When a training saved a file, as far as is known."""

    series: str = ""
    """What the names of its files have in common; empty if the file stands alone."""
    epoch: int | None = None
    step: int | None = None


def order(files: Sequence[tuple[Path, Mapping[str, str]]]) -> list[tuple[Path, Saved]]:
    """Return the files of LoRAs, each with its metadata, in the order to show them.

    Series come one after the other, each by epoch or step; the last file of a training, which has
    none in its name, ends its series. Metadata count before names, unless two files of a series
    have the same: some tools copy them.
    """
    named = [(path, of_name(path), of_metadata(metadata)) for path, metadata in files]
    numbered = Counter(name.series for _, name, _ in named if name.series)
    found: dict[str, list[tuple[Path, Saved, Saved]]] = {}
    for path, name, metadata in named:
        series = name.series or (last if (last := _as_last(path)) in numbered else "")
        alone = not series or (numbered[series] == 1 and not _has_last(series, named))
        name = Saved() if alone else replace(name, series=series)
        found.setdefault(name.series or str(path), []).append((path, name, metadata))
    trainings = (training for series in found.values() for training in _trainings(series))
    return [one for training in trainings for one in _ordered(training)]


def of_name(path: Path) -> Saved:
    """Return what a file's name says; no series if it has neither epoch nor step."""
    if match := _CHECKPOINT.fullmatch(path.parent.name):
        return Saved(path.parent.parent.name, step=int(match[1]))
    for pattern in _NAMES:
        if match := pattern.fullmatch(path.stem):
            numbers = {
                key: int(value) for key, value in match.groupdict().items() if key != "series"
            }
            return Saved(match["series"] or path.parent.name, **numbers)
    return Saved()


def of_metadata(metadata: Mapping[str, str]) -> Saved:
    """Return what a file's metadata say: those of sd-scripts, or of ai-toolkit."""
    epoch, step = metadata.get("ss_epoch"), metadata.get("ss_steps")
    with suppress(ValueError, AttributeError):
        info = json.loads(metadata.get("training_info", "{}"))
        epoch, step = epoch or info.get("epoch"), step or info.get("step")
    return Saved("", _whole(epoch), _whole(step))


def _has_last(series: str, named: Sequence[tuple[Path, Saved, Saved]]) -> bool:
    return any(_as_last(path) == series for path, _, _ in named)


def _as_last(path: Path) -> str:
    """Return the series that a file without a number would be the last of."""
    return path.parent.name if path.stem == DIFFUSERS else path.stem


def _trainings(
    series: Sequence[tuple[Path, Saved, Saved]],
) -> Iterator[Sequence[tuple[Path, Saved, Saved]]]:
    """Yield the files of one name by training: if a number comes twice, each folder is one."""
    folders: dict[Path, list[tuple[Path, Saved, Saved]]] = {}
    for path, name, metadata in series:
        folder = path.parent.parent if _CHECKPOINT.fullmatch(path.parent.name) else path.parent
        apart = replace(name, series=str(folder / name.series))
        folders.setdefault(folder, []).append((path, apart, metadata))
    numbers = {(name.epoch, name.step) for _, name, _ in series}
    if len(folders) > 1 and len(numbers) < len(series):
        yield from folders.values()
    else:
        yield series


def _whole(value: object) -> int | None:
    with suppress(ValueError, TypeError):
        return int(str(value))
    return None


def _ordered(series: Sequence[tuple[Path, Saved, Saved]]) -> list[tuple[Path, Saved]]:
    """Return a series with what is known of each file, in order."""
    told = {key: _known([metadata for _, _, metadata in series], key) for key in ("epoch", "step")}
    placed = []
    for path, name, metadata in series:
        counts = {key: getattr(metadata if told[key] else name, key) for key in told}
        placed.append((path, replace(name, **counts), not (name.epoch or name.step)))
    by = "step" if all(one.step is not None for _, one, last in placed if not last) else "epoch"

    def place(one: tuple[Path, Saved, bool]) -> tuple[float, str]:
        path, saved, last = one
        return (math.inf if last else getattr(saved, by) or 0), path.name

    return [(path, saved) for path, saved, _ in sorted(placed, key=place)]


def _known(metadata: Sequence[Saved], key: str) -> bool:
    """Return whether the metadata of a series tell its files apart."""
    values = [getattr(one, key) for one in metadata]
    return None not in values and len(set(values)) == len(values) > 1
