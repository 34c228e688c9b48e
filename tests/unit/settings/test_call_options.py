"""Options of a call that the commands shown at its end repeat."""

import pytest

from lorabench.errors import UserError
from lorabench.settings import call_options


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    for name in ("slurm", "kubernetes"):
        (tmp_path / "profiles" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LORABENCH_OPTIONS", "")


def test_a_usual_call_is_for_this_machine():
    call_options.lend(["snakemake", "--cores", "4", "--config", "raw_set=a"])
    assert call_options.snakemake() == "uv run snakemake --cores 1"


@pytest.mark.parametrize("words", [["--workflow-profile", "profiles/slurm"],
                                   ["--workflow-profile=profiles/slurm"]])  # fmt: skip
def test_a_cluster_stays_and_has_no_cores(words):
    call_options.lend(["snakemake", *words, "--config", "raw_set=a"])
    assert call_options.snakemake() == "uv run snakemake --workflow-profile profiles/slurm"


def test_a_bucket_stays_without_its_keys():
    given = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://my-bucket/lora"]
    keys = ["--storage-s3-access-key", "AK", "--storage-s3-endpoint-url", "https://me:key@host"]
    call_options.lend(["snakemake", "--cores", "1", *given, *keys])
    assert call_options.snakemake() == " ".join(["uv run snakemake --cores 1", *given])


def test_a_profile_that_is_not_there_is_refused():
    said = "--workflow-profile: there is no folder profiles/slrum; did you mean profiles/slurm?"
    with pytest.raises(UserError) as error:
        call_options.check(["snakemake", "--workflow-profile", "profiles/slrum"])
    assert str(error.value) == said
    with pytest.raises(UserError, match="there are profiles/kubernetes, profiles/slurm"):
        call_options.check(["snakemake", "--workflow-profile=mine"])
    call_options.check(["snakemake", "--workflow-profile", "none"])
    call_options.check(["snakemake", "--workflow-profile", "profiles/slurm/"])
