"""What surrounds the code agrees with it: versions, checks, and the pages with each other."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md")]
CHECKS = (ROOT / ".ci/run").read_text()


def test_the_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)[1] == VERSION


def test_the_citation_names_this_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION


def test_continuous_integration_runs_the_one_script():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert {"run": ".ci/run"} in jobs["test"]["steps"]


def test_the_checks_before_a_commit_are_those_of_continuous_integration():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {"ruff-format", "ruff-check", "pyrefly", "snakefmt"} <= {hook["id"] for hook in hooks}
    for hook in hooks:
        if hook["id"] != "config-docs":  # which the tests run
            assert hook["entry"] in CHECKS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_to_what_is_there(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not place or place in anchors(target), link


def anchors(page):
    """The places in a page, as GitHub names them after its headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def test_the_readme_is_one_page():
    assert (ROOT / "README.md").stat().st_size <= 10_000


def test_what_was_tried_names_tests_that_are_there():
    page = (ROOT / "docs/tried.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)*test_\w+\.py)`", page))
    assert [name for name in named if not any(ROOT.glob(f"tests/**/{name}"))] == []


def test_conda_environments_have_the_projects_pins():
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for file in (ROOT / "envs").glob("*.yaml"):
        listed = yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]
        assert sorted(listed) == sorted(pins), file.name
    assert all("==" in pin for pin in pins)
