"""Several LoRAs that the user names by a folder, a pattern or a list: which, and in which order."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path

from lorabench.base import file_kinds
from lorabench.digests import Digests
from lorabench.errors import UserError
from lorabench.lora import pair, series
from lorabench.lora.series import Saved
from lorabench.run import existing, given_lora, given_pair
from lorabench.run.given_lora import SUFFIX, GivenLora
from lorabench.settings.types import as_name, from_home

_FEW = 3


@dataclass(frozen=True)
class GivenLoras:
    """LoRAs from elsewhere that are benched side by side."""

    name: str
    """What they are called together, and their run: the series of most, else their folder."""
    loras: Sequence[tuple[GivenLora, Saved]]
    """In the order to show them; with a series only where all are of one."""
    names: Sequence[str]
    """What people call each: its stem, and where two have the same, with its folders."""
    left_out: Sequence[str]
    """The files of a folder that are no LoRAs, with the reasons."""


def is_several(named: str | Sequence[str]) -> bool:
    """Return whether the setting `lora` names a folder, a pattern or a list, not one file."""
    if not isinstance(named, str):
        return True
    return _is_place(named) or ("," in named and not existing.is_there(Path(named)))


def find(named: str | Sequence[str], digests: Digests, paired: bool = False) -> GivenLoras:
    """Return the LoRAs that are named so; `paired`: two files are one.

    What else lies in a folder, or fits a pattern, is left out with a line; what is named itself
    has to be a LoRA. Raises `UserError`: that is none, or no LoRA is found.
    """
    places = _places(named)
    read: dict[str, GivenLora] = {}
    left_out: list[str] = []
    for place in places:
        for path in _files(place):
            try:
                found = given_lora.read(path, digests)
            except UserError as error:
                if not _is_place(place):
                    raise
                left_out.append(str(error).removeprefix("lora: "))
            else:
                read.setdefault(found.key, found)
    given = list(read.values())
    if paired:
        asked = {Path(place) for place in places if not _is_place(place)}
        given, alone = given_pair.of_all(given, asked, digests)
        left_out += alone
    if not given:
        raise UserError(_none(places, left_out))
    by_path = _by_path(given)
    ordered = series.order([(path, found.metadata) for path, found in by_path.items()])
    loras = [(by_path[path], saved) for path, saved in ordered]
    name = _name(places, loras)
    names = _names({path: by_path[path] for path, _ in ordered})
    if len({saved.series for _, saved in loras}) > 1:
        loras = [(lora, replace(saved, series="")) for lora, saved in loras]
    return GivenLoras(name, loras, names, left_out)


def files(named: str | Sequence[str]) -> Iterator[Path]:
    """Yield the files that are named so, whether they are LoRAs or not."""
    for place in _places(named):
        yield from _files(place)


def _places(named: str | Sequence[str]) -> list[str]:
    if isinstance(named, str):
        named = [named] if existing.is_there(Path(named)) else named.split(",")
    return [place for one in named if (place := from_home(one.strip()))]


def _is_place(named: str) -> bool:
    """Return whether this is a folder or a pattern."""
    path = Path(named)
    return path.is_dir() if existing.is_there(path) else has_magic(named)


def _files(place: str) -> Iterator[Path]:
    """Yield the files in a folder, or of a pattern, by name; a file is itself."""
    path = Path(place)
    if path.is_dir():
        found = [
            one for one in path.iterdir() if one.suffix.lower() in (SUFFIX, *file_kinds.PICKLED)
        ]
        yield from sorted([*found, *path.glob(f"checkpoint-*/{series.DIFFUSERS}{SUFFIX}")])
    elif _is_place(place):
        root = Path(path.anchor)
        matches = root.glob(str(path.relative_to(root)) if path.anchor else place)
        yield from sorted(one for match in matches for one in _inside(match))
    else:
        yield path


def _inside(match: Path) -> Iterator[Path]:
    """Yield a file that fits a pattern, or the LoRA in such a folder of diffusers'."""
    if match.is_dir():
        yield from match.glob(f"{series.DIFFUSERS}{SUFFIX}")
    else:
        yield match


def _name(places: Sequence[str], loras: Sequence[tuple[GivenLora, Saved]]) -> str:
    (main, count), *_ = Counter(saved.series for _, saved in loras).most_common(1)
    if main and 2 * count > len(loras):  # not all: one more of another series is the same run
        return as_name(main)
    first = Path(places[0])
    folders = {lora.source.absolute().parent for lora, _ in loras}
    if len(places) == 1 and first.is_dir():
        folders = {first.absolute()}
    return as_name(folders.pop().name if len(folders) == 1 else "loras") or "loras"


def _by_path(loras: Sequence[GivenLora]) -> dict[Path, GivenLora]:
    """Return LoRAs by their files; a pair as if it were one, where no other is called so."""
    titled = [(lora.source.with_stem(pair.title(lora.source.stem)), lora) for lora in loras]
    counts = Counter(path for path, _ in titled)
    return {path if lora.low and counts[path] == 1 else lora.source: lora for path, lora in titled}


def _names(loras: Mapping[Path, GivenLora]) -> list[str]:
    counts = Counter(lora.title for lora in loras.values())
    folder = os.path.commonpath([path.absolute().parent for path in loras])
    return [
        lora.title if counts[lora.title] == 1
        else path.absolute().with_suffix("").relative_to(folder).as_posix()
        for path, lora in loras.items()
    ]  # fmt: skip


def _none(places: Sequence[str], left_out: Sequence[str]) -> str:
    why = f": {'; '.join(left_out[:_FEW])}" if left_out else ""
    return f"lora: there is no LoRA ({SUFFIX}) in {', '.join(places)}{why}"
