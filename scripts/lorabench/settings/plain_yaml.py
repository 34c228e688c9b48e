"""Read YAML of users and records, in which anything may be wrong."""

from typing import Any

import yaml


def read(text: str | bytes) -> Any:
    """Return what YAML says; raise `ValueError` for anything wrong with it."""
    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ValueError(error) from None
