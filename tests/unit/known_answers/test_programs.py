"""The suite's programs go with the package: their imports are there, and a plan has its prompts."""

from importlib import import_module

import pytest

from base_model.world import CHARACTER, TARGET_STYLE
from tests.project import ROOT

PROGRAMS = sorted(path.stem for path in (ROOT / "benchmarks" / "known_answers").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_imports_is_there(name):
    import_module(f"benchmarks.known_answers.{name}")


@pytest.mark.parametrize("taught", [TARGET_STYLE, CHARACTER])
def test_a_lora_is_rendered_with_eight_prompts_as_by_default(monkeypatch, taught):
    monkeypatch.chdir(ROOT)
    from benchmarks.known_answers.render import plan

    assert len([variant for variant in plan(taught) if not variant.probe]) == 8
