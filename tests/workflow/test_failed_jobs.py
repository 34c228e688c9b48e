"""Jobs find their Python; what a failed one said is said once, and not among Snakemake's words."""

import os

import pytest

BROKEN = """echo error: an older one > "${@: -1}"
echo error: there is no room >> "${@: -1}"
exit 1
"""
SNAKEMAKES = ("Error in rule", "RuleException", "Traceback", "Exiting because", "Removing output")


@pytest.fixture
def broken(project):
    """A project in which normalizing fails."""
    project.add_set()
    (project.root / "broken.bash").write_text(BROKEN)

    def run(*arguments):
        words = ("dataset", *arguments)
        programs = "{resize: broken.bash}"
        return project.snakemake(*words, check=False, raw_set="some_set", programs=programs)

    return run


def test_the_last_error_is_said_once_with_its_log_and_how_to_go_on(broken):
    done = broken()
    assert done.returncode == 1
    assert (
        done.stdout.count("error: there is no room\n  the whole log: datasets/normalized/logs/")
        == 1
    )
    assert "Not finished; the same command goes on" in done.stdout
    assert "older one" not in done.stdout
    assert [words for words in SNAKEMAKES if words in done.stdout] == []


def test_snakemakes_own_words_come_with_verbose(broken):
    _, _, end = broken("--verbose").stdout.partition("Error in rule normalize_dataset")
    assert "\nerror: there is no room\n" in end


def test_jobs_find_this_python_though_it_is_not_on_the_path(project, monkeypatch):
    project.add_set()
    monkeypatch.setenv("PATH", os.defpath)
    project.snakemake("--until", "snapshot_dataset", raw_set="some_set")
