"""Records that programs write for each other: YAML with a format and an origin."""

from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import ConfigDict, Field

from lorabench import files
from lorabench.errors import UserError
from lorabench.settings import plain_yaml
from lorabench.settings.formats import DELETE, known, reading
from lorabench.settings.validation import Section

FORMAT = 3
"""Raise it with each new setting: sections refuse keys that they do not know. Version 0.1 wrote 1,
without this key; earlier formats are read, too."""


class Record(Section):
    """The content of a record; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: ClassVar[str]
    """The record's subject, for messages."""
    remedy: ClassVar[str] = DELETE

    format: int = Field(1, ge=1, le=FORMAT)
    created: str = ""
    """When it was written, in ISO 8601."""
    commit: str | None = None
    """The pipeline's own commit; None outside a checkout."""
    host: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)

    def contents(self) -> dict[str, Any]:
        """Return what is recorded, without the format and the origin."""
        return self.model_dump(mode="json", exclude=set(Record.model_fields))

    def write(self, path: Path) -> None:
        """Write the record in the format of this version."""
        how = self.model_dump(mode="json", include=set(Record.model_fields) - {"format"})
        content = {"format": FORMAT, **self.contents(), **how}
        files.write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raise `UserError` for any other file."""
        with reading(path, f"the record of a {cls.what}", cls.remedy):
            return cls.model_validate(known(_loaded(path), path, FORMAT))


def _loaded(path: Path) -> Any:
    try:
        return plain_yaml.read(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
