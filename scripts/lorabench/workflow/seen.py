"""What a process knows to lie in a bucket, so that Snakemake does not look it up again and again.

Its storage plugin asks some 25 times for a file that a few jobs read. In a call, files of a run are
changed by its own jobs alone; so what was listed, looked up or stored once is known.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, NamedTuple


class Found(NamedTuple):
    """A file, or a folder with all that is in it."""

    time: float
    """When it was stored; of a folder, when its newest file was."""
    size: int = 0
    """Its bytes."""


class Seen:
    """Files and folders of a bucket, by their keys."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._files: dict[str, Found] = {}
        self._folders: dict[str, Found] = {}
        self._listed: set[str] = set()

    def note(self, key: str, time: float, size: int) -> None:
        """Note a file, and with it the folders that it is in."""
        more = size - self._files.get(key, Found(time)).size
        self._files[key] = Found(time, size)
        for parent in map(str, PurePosixPath(key).parents):
            before = self._folders.get(parent, Found(time))
            self._folders[parent] = Found(max(time, before.time), before.size + more)

    def note_all(self, listed: Iterable[Any], folder: str = "") -> None:
        """Note what was listed; where it is all of a `folder`, what else is in it is missing."""
        for one in listed:
            self.note(one.key, one.last_modified.timestamp(), one.size)
        if folder:
            self._listed.add(folder)

    @property
    def knows_anything(self) -> bool:
        """Whether the bucket exists, that is."""
        return bool(self._files)

    def look_again(self) -> None:
        """Take nothing for missing any longer: jobs elsewhere store files."""
        self._listed.clear()

    def find(self, key: str) -> Found | None:
        """Return what is known of a file or a folder."""
        return self._files.get(key) or self._folders.get(key)

    def is_folder(self, key: str) -> bool:
        """Whether a folder of this name is known."""
        return key in self._folders

    def is_missing(self, key: str) -> bool:
        """Whether a file was not in its folder when that was listed."""
        return any(parent in self._listed for parent in map(str, PurePosixPath(key).parents))

    def forget(self, key: str) -> None:
        """Forget a file or a folder that is removed or made anew."""
        self._files.pop(key, None)
        if self._folders.pop(key, None):
            inside = f"{key}/"
            for known in (self._files, self._folders):
                for one in [one for one in known if one.startswith(inside)]:
                    del known[one]


def remembering(kind: Any, seen: Seen) -> Any:
    """Return `kind`, the class of what a storage plugin looks up, so that it asks `seen` first."""

    class Remembering(kind):
        def exists(self) -> bool:
            return self._found() is not None

        def mtime(self) -> float:
            return self._there().time

        def size(self) -> int:
            return self._there().size

        def is_dir(self) -> bool:
            return seen.is_folder(self.key) if seen.find(self.key) else super().is_dir()

        def bucket_exists(self) -> bool:
            return seen.knows_anything or super().bucket_exists()

        def store_object(self) -> None:
            seen.forget(self.key)
            super().store_object()
            self._look_up()

        def remove(self) -> None:
            super().remove()
            seen.forget(self.key)

        def _there(self) -> Found:
            if found := self._found():
                return found
            raise FileNotFoundError(self.query)

        def _found(self) -> Found | None:
            known = seen.find(self.key)
            return known if known or seen.is_missing(self.key) else self._look_up()

        def _look_up(self) -> Found | None:
            one = self.s3obj()
            try:
                one.load()
            except Exception:  # a folder; or nothing, or what the plugin has words for
                if super().exists():
                    seen.note_all(self.get_subkeys())
            else:
                seen.note(self.key, one.last_modified.timestamp(), one.content_length)
            return seen.find(self.key)

    return Remembering
