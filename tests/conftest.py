"""Fixtures of every test."""

import pytest

from tests.project import make_project


@pytest.fixture
def project(tmp_path):
    """A project as a user has it, in a folder of its own."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A project with a raw set for the tests of a file that leave its files as they are."""
    made = make_project(tmp_path_factory.mktemp("shared") / "project")
    made.add_set()
    return made
