"""Read a raw set: its pictures, their captions and repeats.

This is the only reader, so that the trigger, the identity of a run and the training see the same.
It runs on every parse, and only reads.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lorabench import files
from lorabench.dataset import captions, kohya_folders
from lorabench.errors import UserError
from lorabench.text import syntax

PICTURE_SUFFIXES = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".gif"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif", ".hif", ".jxl"),
    }
)
FORMATS = "png, jpg, webp, bmp, gif, tiff, avif, heic or jxl"

_SHARED = 0.9
"""A first tag is the trigger if it has at least this share of the captions."""

_COMMA = re.compile("[,，、]")
_MASK = re.compile(r"-(mask|cond)label\d*$")
_MASKS = re.compile("masks?", re.IGNORECASE)
_OF_MASK = re.compile("[-_ .]?masks?$", re.IGNORECASE)
_REGULARIZATION = re.compile(r"reg(s|[ _-]?images?|ulari[sz]ation\b.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A raw picture, and what belongs to it in the set."""

    path: Path
    name: str
    """Its path within the set."""
    caption: str | None = None
    """The text of its caption file; None: there is no file."""
    folder: kohya_folders.Folder = kohya_folders.NONE

    @property
    def words(self) -> str:
        """Its caption, or its folder's words; empty if the trigger words stand in."""
        return self.caption or syntax.plain(self.folder.words)

    @property
    def caption_state(self) -> str:
        """Where its caption is from: `own`, `folder`, or why it has none: `empty`, `missing`."""
        if self.caption:
            return "own"
        return "folder" if self.folder.words else "missing" if self.caption is None else "empty"


@dataclass(frozen=True)
class RawSet:
    """What a folder of raw pictures holds."""

    folder: Path
    pictures: list[Source]
    """In a fixed order."""
    unreadable: list[Source]
    """Named as pictures but not files: broken links, pipes."""
    files: list[Path]
    """Pictures and caption files; a change of one of them makes another run."""
    stray_captions: list[Path]
    """The caption files that fit no picture."""
    unused: Counter[str]
    """Pictures that are not for training, counted by kind."""
    regularization: list[str]
    """The set's own folders of regularization pictures, which `reg_set` may name."""
    left_out: Counter[str]
    """Files of other kinds, counted by suffix."""
    respelt: bool
    """Whether captions are respelt (see `syntax.plain`)."""

    @property
    def name(self) -> str:
        """The set's name, without its number if the set is one of kohya's folders."""
        name = self.folder.name or self.folder.resolve().name
        return syntax.plain(kohya_folders.named(name).words or name)

    @property
    def repeats(self) -> dict[str, int]:
        """The repeats of each of kohya's folders; empty if there are none."""
        found = {picture.folder for picture in self.pictures} - {kohya_folders.NONE}
        return {folder.name: folder.repeats for folder in sorted(found)}

    def trigger(self, given: str = "") -> str:
        """Return the trigger words: those given, or the first tag that the captions share.

        Tags are separated by commas, including Japanese and Chinese ones. If no picture has a
        caption, the set's name is the trigger. Empty if the captions share no tag.
        """
        texts = [picture.words for picture in self.pictures if picture.words]
        if given or not texts:
            return given or self.name
        tag, times = Counter(map(_first_tag, texts)).most_common(1)[0]
        return tag if times >= _SHARED * len(texts) else ""

    def stand_in(self, given: str = "") -> str:
        """Return the caption of a picture that has none."""
        return self.trigger(given) or self.name

    @property
    def lacks_captions(self) -> bool:
        """Whether a picture has no caption."""
        return not all(picture.words for picture in self.pictures)


def read(folder: Path) -> RawSet:
    """Read the raw set in `folder`, with its subfolders and the targets of links.

    Raises `UserError`: there is no picture, one has two captions, or a name or caption is no text.
    """
    names = _names(folder)
    projects = kohya_folders.projects(names.values())
    masks = _masks(names)
    unused = {path: why for path, name in names.items() if (why := _unused(name, projects, masks))}
    used = [path for path in names if path not in unused]
    pictures = [path for path in used if is_picture(path)]
    if not pictures:
        besides = f" besides {next(iter(unused.values()))}" if unused else ""
        raise UserError(f"{folder} holds no picture{besides} ({FORMATS})")
    texts = [path for path in used if captions.is_caption(path)]
    matched = captions.by_stem(texts, pictures)
    written = captions.read(matched)
    own = {key: syntax.plain(text) for key, text in written.items()}
    readable = {path for path in pictures if path.is_file()}
    folders = kohya_folders.find(names[path] for path in pictures if path in readable)

    def source(path: Path) -> Source:
        name = names[path]
        caption = own.get(captions.stem(path))
        return Source(path, name, caption, folders.get(name, kohya_folders.NONE))

    return RawSet(
        folder=folder,
        pictures=[source(path) for path in pictures if path in readable],
        unreadable=[source(path) for path in pictures if path not in readable],
        files=[
            path
            for path in used
            if path in readable or (captions.is_caption(path) and path.is_file())
        ],
        stray_captions=[path for path in texts if captions.stem(path) not in matched],
        unused=Counter(why for path, why in unused.items() if is_picture(path)),
        regularization=sorted(
            {name for path in unused if is_regularization(name := names[path].split("/")[0])}
        ),
        left_out=Counter(
            path.suffix.lower() or "without a suffix"
            for path in used
            if not is_picture(path) and not captions.is_caption(path)
        ),
        respelt=own != written or syntax.plain(folder.name) != folder.name,
    )


def is_picture(path: Path) -> bool:
    """Return whether a file is named as a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def regularization_in(folder: str) -> str:
    """Return what the pictures of such a folder are."""
    return f"regularization pictures in {folder}/"


def is_regularization(name: str) -> bool:
    """Return whether a folder's name says that its pictures are for regularization."""
    return bool(_REGULARIZATION.fullmatch(name))


def _names(folder: Path) -> dict[Path, str]:
    """Return a set's files in the order of their names, which NFC makes the same everywhere."""
    try:
        paths = list(files.walk(folder))
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from None
    names = {path: _name(path, folder) for path in paths}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def _name(path: Path, folder: Path) -> str:
    name = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
    counts = is_picture(path) or captions.is_caption(path)
    if counts and name != name.encode(errors="replace").decode():
        raise UserError(
            f"{folder}: a file's name is not UTF-8: {os.fsencode(name)!r} (a ZIP file from Windows "
            "may have it in Shift_JIS: unzip -O cp932); rename the file or its folder"
        )
    return name


def _masks(names: Mapping[Path, str]) -> dict[str, str]:
    """Return the masks of a set by name, with their folder: `masks/cat.png` beside `cat.png`.

    A picture in such a folder is trained if it has a caption, or a name of its own.
    """
    texts = {captions.stem(path) for path in names if captions.is_caption(path)}
    pictures = {path: PurePosixPath(name) for path, name in names.items() if is_picture(path)}
    within = {
        path: next(filter(_MASKS.fullmatch, name.parts[:-1]), "") for path, name in pictures.items()
    }
    masked = {name.stem for path, name in pictures.items() if not within[path]}
    return {
        str(name): within[path]
        for path, name in pictures.items()
        if within[path]
        and captions.stem(path) not in texts
        and masked & {name.stem, _OF_MASK.sub("", name.stem)}
    }


def _unused(name: str, projects: Collection[str], masks: Mapping[str, str]) -> str:
    """Return what a file is if it is not for training; else an empty text.

    `projects` are the set's folders with a project of kohya's GUI, `masks` those of `_masks`.
    """
    if name in masks:
        return f"masks in {masks[name]}/"
    path = PurePosixPath(name)
    for folder in path.parents:
        if folder.name in kohya_folders.RESULTS and str(folder.parent) in projects:
            return f"results of kohya's GUI in {folder.name}/"
    for folder in path.parts[:-1]:
        if is_regularization(folder):
            return regularization_in(folder)
    return "OneTrainer's masks" if _MASK.search(path.stem) else ""


def _first_tag(caption: str) -> str:
    return " ".join(_COMMA.split(caption)[0].split())
