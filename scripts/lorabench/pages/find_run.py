"""Find runs by their names or folders, as a user types them."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from lorabench import layout
from lorabench.errors import UserError

_NEAREST = 3


def find(words: Sequence[str], runs: Path = layout.RUNS) -> list[Path]:
    """Return the folders of the runs that a user named, by id or by folder.

    Raises `UserError`: fewer than two, one of them twice, or one that is not there.
    """
    folders = [_find(word, runs) for word in words]
    for number, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:number]]:
            raise UserError(f"{words[number]}: named twice; a run equals itself.")
    if len(folders) < 2:
        others = [name for name in _names(runs) if name != folders[0].name] if folders else []
        raise UserError(
            f"give two runs or more{f' besides {words[0]}' if words else ''}; "
            f"there are: {', '.join(others) or 'no others'}"
        )
    return folders


def _find(word: str, runs: Path) -> Path:
    path = Path(word)
    for folder in (runs / word, path):
        if _is_run(folder):
            return folder
    above = next((parent for parent in path.absolute().parents if _is_run(parent)), None)
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


def _is_run(folder: Path) -> bool:
    return (folder / "run.yaml").is_file() or (folder / "bench").is_dir()


def _names(runs: Path) -> list[str]:
    return sorted(folder.name for folder in runs.glob("[!.]*/") if _is_run(folder))
