"""Fixtures of the unit tests."""

import pytest

from tests.project import ROOT, make_plan


@pytest.fixture
def plan(shared, monkeypatch):
    """Plan a run of the shared project's set."""
    monkeypatch.chdir(shared.root)
    return lambda **given: make_plan({"raw_set": "some_set", **given}, ROOT / "config/config.yaml")
