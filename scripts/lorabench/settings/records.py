"""Records that programs write for each other: YAML with a format and an origin."""

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, ValidationError

from lorabench.errors import UserError
from lorabench.settings.layers import read_yaml
from lorabench.settings.validation import Section

FORMAT = 2
"""Version 0.1 wrote 1, without this key; it is read, too."""


class Record(Section):
    """The content of a record; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: ClassVar[str]
    """The record's subject, for messages."""
    rule: ClassVar[str]
    """The rule that writes it."""

    format: int = Field(1, ge=1, le=FORMAT)
    created: str = ""
    """When it was written, in ISO 8601."""
    commit: str | None = None
    """The pipeline's own commit; None outside a checkout."""
    host: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)

    def contents(self) -> dict[str, Any]:
        """Return the values for record_run.py, which adds the format and the origin."""
        return self.model_dump(mode="json", exclude=set(Record.model_fields))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raise `UserError` for any other file."""
        content = read_yaml(path)
        if isinstance(number := content.get("format"), int) and number > FORMAT:
            raise UserError(
                f"{path}: was written by a newer lorabench (format {number}; this one reads up to "
                f"{FORMAT}); update this one"
            )
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise UserError(
                f"{path}: not the record of a {cls.what} ({first_mistake(error)}); run the "
                f"command of the run again with --forcerun {cls.rule}"
            ) from None


def first_mistake(error: ValidationError) -> str:
    """Return the first thing that is wrong, with its key."""
    found: dict[str, Any] = dict(error.errors()[0])
    return f"{'.'.join(map(str, found['loc'])) or 'it'}: {found['msg']}"
