"""The trainings of a matrix: in which order they stand, and what is said of each."""

import csv
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from lorabench.bench.verdicts.verdict import Verdict
from lorabench.pages import finished_run
from lorabench.pages.comparison import page, ranking
from tests import finished
from tests.finished import works

FRIED = Verdict("fried")


@pytest.fixture
def runs(tmp_path):
    """Runs by name: each with its rank, its verdict, and whether it is measured."""

    def make(**given):
        for name, (rank, told) in given.items():
            folder = finished.make_run(
                tmp_path, name, told=told, train={"rank": rank}, size=24, probe="off"
            )[0]
            if told is None:
                shutil.rmtree(folder / "bench")
        return [finished_run.read(tmp_path / "runs" / name) for name in given]

    return make


def test_the_best_comes_first_and_one_without_result_last(runs):
    rows = ranking.rank(
        runs(none=(1, None), fried=(2, FRIED), weak=(3, Verdict("weak")), works=(4, works()))
    )
    assert [row.run.name for row in rows] == ["works", "weak", "fried", "none"]
    assert [row.said for row in rows] == ["1", "2", "3", "–"]
    assert [row.called for row in rows] == ["rank 4", "rank 3", "rank 2", "rank 1"]
    assert rows[0].measures["style_gained"].mean > 0
    assert not any(rows[-1].measures.values())
    head, first, *_, last = ranking.lines(rows)
    assert head == ["", "rank", "verdict", "weight to use", "run"]
    assert first[:4] == ["1", "4", "works", "0.60"] and last[2:4] == ["no result", "–"]


def test_those_that_work_stand_in_the_order_of_what_they_gain_and_ties_are_said(runs, tmp_path):
    made = runs(less=(2, works(0.8)), best=(4, works(0.8)), same=(8, works(0.8)))
    path = tmp_path / "runs" / "less" / "bench" / "metrics.csv"
    table = pd.read_csv(path)
    table.assign(style_gained=table["style_gained"] / 10).to_csv(path, index=False)
    rows = ranking.rank(made)
    assert [row.run.name for row in rows] == ["best", "same", "less"]
    assert [row.said for row in rows] == ["1", "2 ≈1", "3"]


def test_without_any_result_there_is_still_a_table(runs):
    rows = ranking.rank(runs(a=(2, None), b=(4, None)))
    assert [row.called for row in rows] == ["rank 2", "rank 4"]


def test_the_csv_has_a_row_for_each(runs, tmp_path):
    rows = ranking.rank(runs(none=(1, None), works=(4, works())))
    ranking.write(rows, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first, last = csv.DictReader(file)
    assert first["run"] == "works" and first["rank"] == "4" and first["label"] == "works"
    assert (first["weight"], first["lowest"], first["highest"]) == ("0.6", "0.4", "0.8")
    assert float(first["style_gained"]) > 0 and first["as_good_as_first"] == "True"
    assert last["run"] == "none" and not last["label"] and not last["style_gained"]


def test_the_page_opens_with_the_ranking_and_calls_runs_by_what_differs(runs, tmp_path):
    rows = ranking.rank(runs(none=(1, None), fried=(2, FRIED), works=(4, works())))
    path = tmp_path / "page.html"
    page.write([row.run for row in rows if row.run.pictures], path, rows)
    text = path.read_text(encoding="utf-8")
    places = [text.index(f'href="../{name}/report.html"') for name in ("works", "fried", "none")]
    assert places == sorted(places) and places[-1] < text.index('class="verdicts"')
    assert "rank 4</th>" in text and "<code>rank</code>" in text and "no result" in text


def test_a_run_alone_has_a_page(runs, tmp_path):
    rows = ranking.rank(runs(works=(4, works())))
    page.write([replace(rows[0].run)], tmp_path / "page.html", rows)
    assert (tmp_path / "page.html").exists()
