"""Profiles of clusters keep what the default one is for."""

from pathlib import Path

import pytest
import yaml

PROFILES = Path(__file__).parents[2] / "profiles"
DEFAULT = yaml.safe_load((PROFILES / "default" / "config.yaml").read_text())
OF_A_MACHINE = {"resources"}
"""What counts what one machine has."""


@pytest.mark.parametrize("name", ["kubernetes", "slurm"])
def test_a_clusters_profile_has_what_the_default_has(name):
    own = yaml.safe_load((PROFILES / name / "config.yaml").read_text())
    kept = DEFAULT.keys() - OF_A_MACHINE
    assert {key: own.get(key) for key in kept} == {key: DEFAULT[key] for key in kept}


def test_a_slurm_job_is_of_rules_that_there_are():
    own = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    rules = "".join(path.read_text() for path in (PROFILES.parent / "rules").glob("*.smk"))
    grouped = {one.partition("=")[0] for one in own["groups"]}
    assert [rule for rule in grouped if f"rule {rule}:" not in rules] == []
    evaluated = {"bench_metrics", "bench_verdict", "bench_report", "model_card"}
    assert evaluated <= grouped
