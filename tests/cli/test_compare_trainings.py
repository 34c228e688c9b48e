"""The program that compares the trainings of a matrix."""

import shutil

import pytest

import compare_trainings
from lorabench import cli
from tests.finished import make_run, works


@pytest.fixture
def runs(tmp_path):
    """One run that is finished, and one that has only its record."""
    small = {"probe": "off", "weights": (0.0, 0.4, 0.6), "size": 24}
    make_run(tmp_path, "done-11111111", told=works(), **small)
    made, _ = make_run(tmp_path, "lost-22222222", train={"rank": 4}, told=None, **small)
    shutil.rmtree(made / "bench")
    return tmp_path / "runs"


def compare(folder, *names):
    made = folder / "night" / "comparison.html", folder / "night" / "comparison.csv"
    words = ["--output", made[0], "--table", made[1], *(folder / name for name in names)]
    return cli.run(compare_trainings.parser(), compare_trainings.main, list(map(str, words))), made


def test_it_writes_page_and_table_of_those_that_are_finished(runs):
    status, (page, table) = compare(runs, "lost-22222222", "done-11111111")
    assert status == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    assert head.startswith("place,as_good_as_first,run,rank,label,weight")
    assert rows[0].startswith("1,True,done-11111111,16,works,0.6,")
    assert rows[1].startswith(",False,lost-22222222,4,,,")


def test_without_pictures_nothing_is_written(runs, capsys):
    status, (page, table) = compare(runs, "lost-22222222")
    assert status == 1 and "none of the runs has pictures yet" in capsys.readouterr().err
    assert not page.exists() and not table.exists()
