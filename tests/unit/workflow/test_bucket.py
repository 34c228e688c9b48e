"""What is read of a bucket when the Snakefile is parsed, and what is stored at the end."""

from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from lorabench import layout
from lorabench.errors import UserError
from lorabench.run import existing
from lorabench.workflow import bucket
from lorabench.workflow.bucket import Bucket
from tests.project import ROOT, make_project

DEFAULTS = ROOT / "config" / "config.yaml"
BASE = {"base_model": str(ROOT / "models" / "checkpoints" / "drawnworld")}


@pytest.fixture
def s3(monkeypatch):
    """Return a bucket of moto's, in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    with mock_aws():
        s3 = boto3.resource("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="studio")
        yield s3


@pytest.fixture
def there(s3, tmp_path, monkeypatch):
    """Return the bucket as a call sees it whose working folder has the pipeline alone."""
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(existing, "_ELSEWHERE", set())
    folder = project.add_set()
    found = Bucket(SimpleNamespace(s3c=s3, local_prefix=Path("copies/s3")), "s3://studio/lora/")
    found.send(sorted(path.relative_to(project.root) for path in folder.iterdir()))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return found


def planned(there, **given):
    (plan,) = there.plans({**BASE, "raw_set": "some_set", **given}, DEFAULTS).values()
    return plan


def test_a_raw_set_is_brought_once(there):
    run = planned(there).paths
    stamps = {path: path.stat().st_ino for path in run.raw.iterdir()}
    assert len(stamps) == 8
    assert planned(there).paths == run
    assert {path: path.stat().st_ino for path in run.raw.iterdir()} == stamps


def test_a_raw_set_that_is_not_all_in_the_bucket_is_refused(there):
    plan = planned(there)
    (plan.paths.raw / "new.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"new\.png is here and not in the bucket.* aws s3 sync"):
        planned(there)


def test_of_a_run_records_are_brought_and_loras_are_noted(there):
    run = planned(there).paths
    run.lora.parent.mkdir(parents=True)
    run.further.parent.mkdir(parents=True)
    run.lora.write_bytes(b"tensors")
    run.further.write_text("format: 3\nweights: [0.4, 1.0]\n")
    picture = layout.picture(run.bench, "", "0.40", 1, 0)
    picture.parent.mkdir()
    picture.write_bytes(b"pixels")
    there.send([run.lora, run.further, picture])
    for path in (run.lora, run.further, picture):
        path.unlink()
    assert planned(there).config.weights == (0.4, 1.0)
    assert existing.is_there(run.lora) and not run.lora.exists()
    assert not existing.is_there(picture)  # there may be thousands


def test_the_plans_for_jobs_elsewhere_have_no_login(there):
    given = {"raw_set": "some_set", "comfy_url": "https://name:password@host", **BASE}
    plans = there.plans(given, DEFAULTS)
    there.keep(plans, given)
    (kept,) = there.kept(given).values()
    assert kept.paths == next(iter(plans.values())).paths
    assert "password" not in repr(vars(kept))


def test_only_s3_is_such_a_bucket():
    settings = SimpleNamespace(default_storage_provider=None)
    assert bucket.find(SimpleNamespace(storage_settings=settings)) is None
