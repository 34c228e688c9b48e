"""Fixtures of every test."""

import pytest

from tests.project import make_project


@pytest.fixture
def project(tmp_path):
    """A project as a user has it, in a folder of its own."""
    return make_project(tmp_path / "project")
