"""The metrics' names: one registry, one page."""

from pathlib import Path

import pytest

from lorabench.bench.measures.columns import METRICS, OF_A_WEIGHT
from lorabench.bench.measures.descriptors import NAMES
from lorabench.bench.measures.table import COLUMNS

PAGE = (Path(__file__).parents[4] / "docs/metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("column", [*COLUMNS, "diversity"])
def test_every_column_is_explained(column):
    assert f"`{column}`" in PAGE


def test_the_page_counts_the_descriptors_right():
    assert f"by {len(NAMES)} numbers" in PAGE


def test_every_metric_is_named_once():
    assert len({metric.column for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", [*METRICS, *OF_A_WEIGHT], ids=lambda metric: metric.column)
def test_every_unit_is_said_in_japanese(metric):
    assert metric.unit_ja != metric.unit
