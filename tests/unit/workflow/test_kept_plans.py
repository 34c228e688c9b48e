"""What jobs on other machines know of their call."""

from dataclasses import fields
from pathlib import Path

import pytest

from lorabench.errors import UserError
from lorabench.run.plan import make_plans
from lorabench.workflow.kept_plans import Disk, drop, keep, kept
from tests.loras import save_lora
from tests.project import ROOT, make_project

DEFAULTS = ROOT / "config" / "config.yaml"
BASE = {"base_model": str(ROOT / "models" / "checkpoints" / "drawnworld")}


@pytest.fixture(autouse=True)
def raw(tmp_path, monkeypatch):
    """Stand in a project and return its raw set."""
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    return project.add_set()


@pytest.mark.parametrize(
    "asked", [{}, {"matrix": "night.csv"}, {"lora": "loras"}, {"lora": "loras", "search": "auto"}]
)
def test_a_set_that_is_edited_changes_no_job_of_the_call(asked, raw):
    Path("night.csv").write_text("rank,unet_lr\n2,\n4,1e-4\n")
    for number in (1, 2):
        save_lora(Path("loras", f"ink-00000{number}.safetensors"))
    given = {"raw_set": "some_set", **asked}
    plans = make_plans({**BASE, **given}, DEFAULTS)
    keep(Disk(), plans, given)
    (raw / "0.txt").write_text("another caption")
    found = kept(Disk(), given)
    assert found.keys() == plans.keys()
    for run_id, plan in plans.items():
        for field in fields(plan):
            if field.name != "given_urls":  # they may have a login
                assert getattr(found[run_id], field.name) == getattr(plan, field.name)


def test_no_login_is_kept():
    given = {"raw_set": "some_set", "comfy_url": "https://name:password@host", **BASE}
    keep(Disk(), make_plans(given, DEFAULTS), given)
    (file,) = Path("runs/.plans").iterdir()
    assert "https://host" in file.read_text() and "password" not in file.read_text()


def test_the_plans_of_a_call_that_has_ended_are_gone():
    given = {"raw_set": "some_set", **BASE}
    keep(Disk(), make_plans(given, DEFAULTS), given)
    drop(Disk(), given)
    assert not list(Path("runs/.plans").iterdir())
    drop(Disk(), given)  # a call that was refused has none


def test_plans_that_are_gone_are_named():
    with pytest.raises(UserError, match=r"runs/\.plans/.*: No such file .*; start the call again"):
        kept(Disk(), {})
