"""Find runs by their names or folders, as a user types them."""

import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lorabench import layout
from lorabench.digests import Digests
from lorabench.errors import UserError
from lorabench.run import existing, given_lora, given_pair
from lorabench.sweep.record import SweepRecord

_NEAREST = 3


class Place(NamedTuple):
    """Where a run lies, and which of its LoRAs is meant; None for the one of its verdict."""

    folder: Path
    lora: str | None = None


def find(words: Sequence[str], runs: Path = layout.RUNS) -> list[Place]:
    """Return the runs that a user named, by id, by folder, or by a LoRA file that was benched.

    Raises `UserError`: fewer than two, one of them twice, or one that is not there.
    """
    places = [_find(word, runs) for word in words]
    same = [(place.folder.resolve(), place.lora) for place in places]
    for number, place in enumerate(same):
        if place in same[:number]:
            raise UserError(f"{words[number]}: named twice; a run equals itself.")
    if len(places) < 2:
        named = [place.folder.name for place in places]
        others = [name for name in _names(runs) if name not in named] if places else []
        raise UserError(
            f"give {f'another run besides {words[0]}' if words else 'two runs or more'}; "
            f"there are: {', '.join(others) or 'no others'}"
        )
    return places


def _find(word: str, runs: Path) -> Place:
    path = Path(word)
    for folder in (runs / word, path):
        if existing.is_run(folder):
            return Place(folder)
    if path.suffix == ".safetensors":
        return _of_file(path, runs)
    above = next((parent for parent in path.absolute().parents if existing.is_run(parent)), None)
    if path.exists() and above:
        raise UserError(f"{word}: lies in a run; name the run itself, {above.name}.")
    if path.suffix == ".html":
        raise UserError(f"{word}: no run; the page to write is named with --output {word}.")
    if "," in word or "=" in word:
        raise UserError(f"{word}: give the runs by name with blanks between them: RUN RUN.")
    names = _names(runs)
    near = difflib.get_close_matches(word, names, _NEAREST, 0.5)
    near = near or [name for name in names if word.lower() in name.lower()][:_NEAREST]
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"there are: {', '.join(names) or 'none yet'}"
    raise UserError(f"{word}: there is no such run in {runs}/; {hint}")


def _of_file(path: Path, runs: Path) -> Place:
    """Return the run that benched a LoRA file: its own, or one of several, or where it lies."""
    digests = Digests(layout.DIGESTS)
    keys = [given_lora.read(path, digests).key]
    if given_pair.other(path):
        keys.insert(0, given_pair.read(path, digests).key)
    for key in keys:
        if existing.is_run(runs / key):
            return Place(runs / key)
    for name in _names(runs):
        sweep = runs / name / "bench" / "sweep.yaml"
        for one in SweepRecord.read(sweep).loras if sweep.is_file() else ():
            own = [runs / name / "train" / file for file in (one.file, one.low) if file]
            here = path.resolve() in [file.resolve() for file in own]
            if here or one.key in keys:
                return Place(runs / name, one.key)
        if path.resolve().parent == (runs / name / "train").resolve():
            return Place(runs / name)
    raise UserError(
        f"{path}: is not benched yet; first run: uv run snakemake --cores 1 --config "
        f"{shlex.quote(f'lora={path}')}"
    )


def _names(runs: Path) -> list[str]:
    return sorted(folder.name for folder in runs.glob("[!.]*/") if existing.is_run(folder))
