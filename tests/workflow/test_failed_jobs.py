"""Jobs find their Python; what a failed one said is not lost among what Snakemake says of it."""

import os

BROKEN = """echo error: an older one > "${@: -1}"
echo error: there is no room >> "${@: -1}"
exit 1
"""


def test_the_last_error_is_repeated_at_the_end(project):
    project.add_set()
    (project.root / "broken.bash").write_text(BROKEN)
    programs = {"programs": "{resize: broken.bash}"}
    done = project.snakemake("snapshot_dataset", check=False, raw_set="some_set", **programs)
    assert done.returncode == 1
    _, _, end = done.stdout.partition("Error in rule normalize_dataset")
    assert "\nerror: there is no room\n" in end
    assert "older one" not in done.stdout


def test_jobs_find_this_python_though_it_is_not_on_the_path(project, monkeypatch):
    project.add_set()
    monkeypatch.setenv("PATH", os.defpath)
    project.snakemake("snapshot_dataset", raw_set="some_set")
