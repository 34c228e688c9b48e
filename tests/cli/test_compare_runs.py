"""The program that compares runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import compare_runs
from lorabench import cli
from lorabench.bench.verdicts.verdict import Verdict
from tests.finished import make_run

SCRIPTS = Path(__file__).parents[2] / "scripts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    works = Verdict("works", False, 0.8, [0.8], (0.4, 0.8))
    small = {"probe": "off", "weights": (0.0, 0.4, 0.8), "size": 24, "told": works}
    make_run(tmp_path, "one-11111111", **small)
    make_run(tmp_path, "two-22222222", train={"rank": 4}, base="another", **small)
    return tmp_path


def compare(*arguments):
    return cli.run(compare_runs.parser(), compare_runs.main, list(arguments))


def test_it_prints_what_differs_and_writes_the_page(project, capsys):
    assert compare("one-11111111", "runs/two-22222222") == 0
    said, told = capsys.readouterr()
    assert re.search(r"verdict +works +works", said)
    assert re.search(r"weight to use +0\.80 +0\.80", said)
    assert re.search(r"train\.rank +16 +4", said)
    assert "different base models" in said
    assert re.search(r"style gained +0\.48 \[0\.42, 0\.53\]", said)
    page = project / "runs" / "comparison-one-11111111-two-22222222.html"
    assert str(page.relative_to(project)) in told
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_page_goes_where_it_is_wanted(project):
    assert compare("one-11111111", "two-22222222", "--output", "new/page.html") == 0
    assert (project / "new" / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one-11111111"], "give another run besides one-11111111"),
        (["one-1111111", "two-22222222"], "did you mean one-11111111"),
        (["one-11111111", "two-22222222", "--output", "runs"], "name the page"),
        (["one-11111111", "two-22222222", "--output", "a.png"], "name the page"),
    ],
)
def test_mistakes_are_said_and_nothing_is_written(project, capsys, arguments, message):
    assert compare(*arguments) == 1
    said = capsys.readouterr()
    assert message in said.err and "Traceback" not in said.err and not said.out
    assert not list(project.rglob("*.html")) and not list(project.rglob("*.png.tmp"))


def test_a_run_without_pictures_is_named(project, capsys):
    shutil.rmtree(project / "runs" / "one-11111111" / "bench")
    assert compare("one-11111111", "two-22222222") == 1
    assert "one-11111111: this run has no pictures yet" in capsys.readouterr().err


def test_a_damaged_picture_leaves_no_page(project, capsys):
    (project / "runs" / "one-11111111" / "bench" / "w0.80" / "seed1_00.png").write_bytes(b"none")
    assert compare("one-11111111", "two-22222222") == 1
    assert "not a readable picture" in capsys.readouterr().err
    assert not list(project.rglob("*.html*"))


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_in_a_browser_the_slider_changes_every_picture(project):
    compare("one-11111111", "two-22222222", "--output", "page.html")
    page = project / "page.html"
    move = (
        "<script>addEventListener('error', (e) => document.title = e.message);"
        "const slider = document.getElementById('weight'); slider.value = 1;"
        " slider.dispatchEvent(new Event('input'));"
        "document.title = [...document.querySelectorAll('.grid td')].map((cell) =>"
        " cell.querySelectorAll('img:not([hidden])').length + '@' +"
        " cell.querySelector('img:not([hidden])').alt.split(' ')[1]).join(' ')</script></body>"
    )
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", move), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={project}/profile"]
    shown = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True
    ).stdout
    assert re.search(r"<title>(.*?)</title>", shown)[1] == " ".join(["1@0.40"] * 8)


def test_it_imports_neither_torch_nor_pandas():
    code = (
        "import sys, compare_runs; from lorabench.pages.comparison import page, summary;"
        "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)
