"""What is read of a bucket when the Snakefile is parsed, and what is stored at the end."""

import json
import logging
import os
import shutil
import threading
import time
from base64 import urlsafe_b64encode
from types import SimpleNamespace

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws
from snakemake_storage_plugin_s3 import StorageProvider, StorageProviderSettings

from lorabench import layout
from lorabench.errors import UserError
from lorabench.run import existing
from lorabench.workflow import bucket, kept_plans, notes
from lorabench.workflow.bucket import Bucket
from tests.loras import save_lora
from tests.project import ROOT, make_project

DEFAULTS = ROOT / "config" / "config.yaml"
BASE = {"base_model": str(ROOT / "models" / "checkpoints" / "drawnworld")}
PREFIX = "s3://my-bucket/lora/"


@pytest.fixture
def provider(tmp_path):
    """Return Snakemake's storage, with a bucket of moto's in this process."""
    login = StorageProviderSettings(access_key="any", secret_key="any")
    with mock_aws():
        made = StorageProvider(tmp_path / "copies", logging.getLogger(), settings=login)
        made.s3c.create_bucket(Bucket="my-bucket")
        yield made


@pytest.fixture
def there(provider, tmp_path, monkeypatch):
    """Return the bucket as a call sees it whose working folder has the pipeline alone."""
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(existing, "_ELSEWHERE", set())
    folder = project.add_set()
    found = Bucket(provider, PREFIX)
    found.send(sorted(path.relative_to(project.root) for path in folder.iterdir()))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return found


@pytest.fixture
def requests(provider):
    """Return the requests to the bucket from now on."""
    made = []
    provider.s3c.meta.client.meta.events.register(
        "before-call", lambda model, **_: made.append(model.name)
    )
    return made


def planned(there, **given):
    (plan,) = there.plans({**BASE, "raw_set": "some_set", **given}, DEFAULTS).values()
    return plan


def note(address):
    """Return the file of Snakemake's note on an address."""
    name = urlsafe_b64encode(address.encode()).decode()
    parts = [name[at : at + 254] for at in range(0, len(name), 254)]
    path = notes.FOLDER.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def put(there, path, data=b"content"):
    """Store a file that is not on this disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    there.send([path])
    path.unlink()


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


@pytest.mark.parametrize("edit", ["trigger, another hat", "trigger, a hot"])
def test_a_raw_file_that_was_edited_here_is_refused_and_stays(there, edit):
    caption = planned(there).paths.raw / "0.txt"
    caption.write_text("trigger, a hat")
    there.send([caption])
    caption.write_text(edit)
    with pytest.raises(UserError, match=r"0\.txt differs .* aws s3 cp .* or remove it"):
        planned(there)
    assert caption.read_text() == edit
    caption.unlink()
    planned(there)
    assert caption.read_text() == "trigger, a hat"


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_raw_file_of_the_same_content_is_left_alone(there, provider, pieces):
    path = planned(there).paths.raw / "large.txt"
    path.write_bytes(bytes(6_000_000))
    config = TransferConfig(multipart_threshold=1 if pieces > 1 else 10_000_000)
    one = provider.s3c.Bucket("my-bucket").Object(f"lora/{path}")
    one.upload_file(str(path), Config=config)
    assert ("-" in one.e_tag) == (pieces > 1)
    os.utime(path, (1, 1))
    planned(there)
    assert path.stat().st_mtime == 1


def test_of_a_run_records_are_brought_and_the_rest_is_noted(there):
    run = planned(there).paths
    picture = layout.picture(run.bench, "", "0.40", 1, 0)
    put(there, run.lora)
    put(there, picture)
    put(there, run.reference.with_name("reference.whole"))
    put(there, run.further, b"format: 3\nweights: [0.4, 1.0]\n")
    assert planned(there).config.weights == (0.4, 1.0)
    assert all(map(existing.is_there, (run.lora, picture, run.reference)))
    assert not run.lora.exists() and not picture.exists()
    assert not existing.is_same(run.lora, DEFAULTS)  # a LoRA from elsewhere is not that copy


def test_what_was_listed_is_not_looked_up_again(there, provider, requests):
    run = planned(there).paths
    put(there, picture := layout.picture(run.bench, "", "0.40", 1, 0))
    planned(there)
    assert requests
    requests.clear()
    of = {path: provider.object(f"{PREFIX}{path}") for path in (run.raw / "0.png", picture)}
    assert all(one.exists() and one.size() and not one.is_dir() for one in of.values())
    assert provider.object(f"{PREFIX}{run.bench}").mtime() == of[picture].mtime()
    assert not provider.object(f"{PREFIX}{run.bench}/w0.50").exists()
    assert not requests


def test_what_is_stored_or_removed_is_known(there, provider, requests):
    planned(there)
    one = provider.object(f"{PREFIX}runs/new.txt")
    one.local_path().parent.mkdir(parents=True)
    one.local_path().write_text("text")
    one.store_object()
    requests.clear()
    assert one.exists() and one.size() == 4 and not requests
    one.remove()
    assert not one.exists()


def test_where_others_store_files_missing_ones_are_looked_up(there, provider):
    run = planned(there).paths
    missing = provider.object(f"{PREFIX}{run.lora}")
    assert not missing.exists()
    there.share()
    put(there, run.lora)
    assert missing.exists()


def test_what_snakemake_noted_of_a_run_goes_to_the_next_machine(there):
    plan = planned(there)
    for path in (f"{plan.paths.bench}/w0.40/{'long' * 60}.png", "runs/another/run.yaml"):
        note(f"{PREFIX}{path}").write_text(json.dumps(path))
    note(f"{PREFIX}{plan.paths.bench}/another.png").write_text('"written just n')
    there.send_notes(plan)
    before = {path: path.read_text() for path in notes.FOLDER.rglob("*") if path.is_file()}
    for path in before:
        path.unlink()
    planned(there)
    assert {path.read_text() for path in notes.FOLDER.rglob("*") if path.is_file()} == {
        text for text in before.values() if "long" in text
    }


def test_the_plans_for_jobs_elsewhere_lie_in_the_bucket(there, monkeypatch):
    monkeypatch.setenv(kept_plans.VARIABLE, "")  # and is set back afterwards
    given = {"raw_set": "some_set", **BASE}
    (plan,) = (plans := there.plans(given, DEFAULTS)).values()
    kept_plans.announce(plans)
    kept_plans.keep(there, plans)
    assert kept_plans.kept(there)[plan.paths.run_id].paths == plan.paths
    kept_plans.drop(there)
    with pytest.raises(UserError):
        kept_plans.kept(there)
    assert not layout.RUNS.exists()


def test_pictures_of_a_killed_call_that_are_in_no_note_count_as_missing(there, provider):
    plan = planned(there)
    run = plan.paths
    before, noted, late = (layout.picture(run.bench, "", f"0.{n}0", 1, 0) for n in (1, 2, 3))
    put(there, before)  # such as a run that was sent from a disk
    time.sleep(1 - time.time() % 1)  # S3 counts in seconds
    there.begin([plan])
    for path in (noted, late, run.sweep):
        put(there, path, b"{}")
    note(f"{PREFIX}{noted}").write_text("{}")
    there.send_notes(plan)  # and now the machine is lost
    shutil.rmtree(notes.FOLDER)
    existing._ELSEWHERE.clear()

    there = Bucket(provider, PREFIX)
    run = planned(there).paths
    missing = [path for path in (before, noted, late, run.sweep) if not is_stored(provider, path)]
    assert missing == [late, run.sweep]
    assert existing.is_there(noted) and not existing.is_there(late) and not run.sweep.exists()
    there.begin([plan])
    there.settle([plan])  # nothing was rendered
    assert late in there.bring(run)
    for path in (late, run.sweep):
        put(there, path, b"{}")
        note(f"{PREFIX}{path}").write_text("{}")
    there.settle([plan])
    shutil.rmtree(notes.FOLDER)
    assert there.bring(run) == []


def test_notes_are_stored_now_and_then(there, monkeypatch):
    plan = planned(there)
    note(f"{PREFIX}{plan.paths.sweep}").write_text("{}")
    monkeypatch.setattr(bucket, "_SECONDS_BETWEEN_NOTES", 0.01)
    sent = threading.Event()
    monkeypatch.setattr(there, "send_notes", lambda plan: sent.set())
    there.begin([plan])
    assert sent.wait(10)
    there._over.set()


def is_stored(provider, path):
    return provider.object(f"{PREFIX}{path}").exists()


def call(prefix, provider=None, kind="s3"):
    """Return a call of Snakemake with a bucket."""
    settings = SimpleNamespace(default_storage_provider=kind, default_storage_prefix=prefix)
    registry = SimpleNamespace(default_storage_provider=provider)
    return SimpleNamespace(storage_settings=settings, storage_registry=registry)


def test_without_a_provider_files_lie_on_this_disk():
    assert bucket.find(call(None, kind=None)) is None


@pytest.mark.parametrize(
    ("kind", "said"), [(None, "is missing beside the prefix"), ("gcs", "gcs"), ("fs", "fs")]
)
def test_only_s3_is_such_a_bucket(kind, said):
    with pytest.raises(UserError, match=f"--default-storage-provider: {said}; allowed is s3"):
        bucket.find(call("s3://my-bucket/lora", kind=kind))


def test_a_set_that_is_in_no_bucket_is_named_with_its_place(there):
    with pytest.raises(
        UserError, match=r"s3://my-bucket/lora/datasets/raw has no some_sett: .*sync"
    ):
        planned(there, raw_set="some_sett")


def test_epochs_are_refused_before_their_lora_is_looked_for(there):
    run = planned(there).paths
    put(there, run.lora)
    with pytest.raises(UserError, match=r"epochs: the states .* are not stored in a bucket"):
        planned(there, run_id=run.run_id, epochs="all")


def test_a_run_that_is_named_for_a_lora_is_refused_where_it_has_another(there, tmp_path):
    own, other = (
        save_lora(tmp_path / name / "mika.safetensors", len(name)) for name in ("a", "bc")
    )
    copy = planned(there, raw_set=None, lora=str(own), run_id="mine").paths
    put(there, layout.RUNS / "mine" / "train" / own.name, own.read_bytes())
    assert planned(there, raw_set=None, lora=str(own), run_id="mine").paths == copy
    with pytest.raises(UserError, match="run mine is another LoRA's"):
        planned(there, raw_set=None, lora=str(other), run_id="mine")


@pytest.mark.parametrize("prefix", ["", None, "my-bucket/lora", "s3:/my-bucket", "s3:///lora"])
def test_a_prefix_names_a_bucket(prefix):
    with pytest.raises(
        UserError, match=r"--default-storage-prefix: .* such as s3://my-bucket/lora"
    ):
        bucket.find(call(prefix))


def test_a_bucket_that_is_not_there_is_named(provider):
    with pytest.raises(UserError, match=r"s3://studoi/lora: there is no such bucket: mend"):
        planned(bucket.find(call("s3://studoi/lora", provider)))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EndpointConnectionError(endpoint_url="http://host"), "Could not connect to .*http://host"),
        (NoCredentialsError(), "give the keys in SNAKEMAKE_STORAGE_S3_ACCESS_KEY"),
        (
            ClientError(
                {
                    "Error": {"Code": "SignatureDoesNotMatch"},
                    "ResponseMetadata": {"HTTPStatusCode": 403},
                },
                "ListObjects",
            ),
            "the keys in SNAKEMAKE_STORAGE_S3_ACCESS_KEY .* are not the right ones",
        ),
    ],
)
def test_what_is_wrong_on_the_way_is_said(there, provider, error, said):
    def fail(**_):
        raise error

    provider.s3c.meta.client.meta.events.register("before-call", fail)
    with pytest.raises(UserError, match=f"s3://my-bucket/lora: {said}"):
        planned(there)
