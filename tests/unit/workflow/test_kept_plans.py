"""What jobs on other machines know of their call."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from lorabench.errors import UserError
from lorabench.run.planning import make_plans
from lorabench.workflow.kept_plans import VARIABLE, Disk, announce, drop, keep, kept
from tests.loras import save_lora
from tests.project import ROOT, make_project

DEFAULTS = ROOT / "config" / "config.yaml"
BASE = {"base_model": str(ROOT / "models" / "checkpoints" / "drawnworld")}


@pytest.fixture(autouse=True)
def raw(tmp_path, monkeypatch):
    """Stand in a project and return its raw set."""
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    monkeypatch.setenv(VARIABLE, "")  # and is set back afterwards
    return project.add_set()


def begin(given, defaults=DEFAULTS):
    """Keep the plans of a call, as its Snakefile and its start do, and return them."""
    plans = make_plans({**BASE, **given}, defaults)
    announce(plans)
    keep(Disk(), plans)
    return plans


def expect(plans):
    """Expect that a job reads these plans."""
    found = kept(Disk())
    assert found.keys() == plans.keys()
    for run_id, plan in plans.items():
        for field in fields(plan):
            if field.name != "given_urls":  # they may have a login
                assert getattr(found[run_id], field.name) == getattr(plan, field.name)


@pytest.mark.parametrize(
    "asked", [{}, {"matrix": "night.csv"}, {"lora": "loras"}, {"lora": "loras", "search": "auto"}]
)
def test_a_set_that_is_edited_changes_no_job_of_the_call(asked, raw):
    Path("night.csv").write_text("rank,unet_lr\n2,\n4,1e-4\n")
    for number in (1, 2):
        save_lora(Path("loras", f"ink-00000{number}.safetensors"))
    plans = begin({"raw_set": "some_set", **asked})
    edit_caption(raw)
    expect(plans)


def test_a_lora_of_two_files_is_kept_with_both():
    for number, side in enumerate(("high", "low")):
        save_lora(Path(f"ink_{side}_noise.safetensors"), number)
    wan = {"bench_workflow": "config/workflows/wan22_lora_bench.json", "comfy_url": "http://a:1"}
    plans = make_plans({"lora": "ink_low_noise.safetensors", **wan}, DEFAULTS)
    announce(plans)
    keep(Disk(), plans)
    expect(plans)
    (plan,) = kept(Disk()).values()
    assert list(plan.low) == ["low"] and len(plan.from_elsewhere) == 2


def edit_caption(raw):
    (raw / "0.txt").write_text("another caption")


def edit_config(raw):
    file = Path("config/config.yaml")
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "weights": "0.5"}))


@pytest.mark.parametrize("edit", [edit_caption, edit_config])
def test_the_same_command_over_edited_files_leaves_the_plans_of_the_call_at_work(
    edit, raw, monkeypatch
):
    command = {"raw_set": "some_set"}, Path("config/config.yaml")
    first, of_first = begin(*command), os.environ[VARIABLE]
    edit(raw)
    second = begin(*command)
    assert first != second
    expect(second)
    drop(Disk())
    monkeypatch.setenv(VARIABLE, of_first)
    expect(first)


def test_no_login_is_kept():
    begin({"raw_set": "some_set", "comfy_url": "https://name:password@host"})
    (file,) = Path("runs/.plans").iterdir()
    assert "https://host" in file.read_text() and "password" not in file.read_text()


def test_the_plans_of_a_call_that_has_ended_are_gone():
    begin({"raw_set": "some_set"})
    drop(Disk())
    assert not list(Path("runs/.plans").iterdir())
    drop(Disk())  # a call that was refused has none


def test_plans_that_are_gone_are_named():
    with pytest.raises(UserError, match=r"runs/\.plans/.*: No such file .*; start the call again"):
        kept(Disk())
