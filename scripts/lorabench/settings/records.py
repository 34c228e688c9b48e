"""Records that programs leave for each other: YAML with a format and with how it came about."""

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, ValidationError

from lorabench.errors import UserError
from lorabench.settings.layers import read_yaml
from lorabench.settings.validation import Section

FORMAT = 2
"""1 is what version 0.1 wrote, without saying so; it is read, too."""


class Record(Section):
    """What a file records; a key that this version does not have is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    what: ClassVar[str]
    """What the file records, as messages name it."""
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
        """Return what record_run.py is given; it adds the format and how the record came about."""
        return self.model_dump(mode="json", exclude=set(Record.model_fields))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record; raise `UserError` for a file that is none of this kind."""
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
