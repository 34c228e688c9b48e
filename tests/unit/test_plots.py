"""The metrics over the weight: what is drawn, and for which sweeps."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lorabench.bench import plots
from lorabench.bench.table import COLUMNS
from lorabench.errors import UserError

OWN = [panel.title for panel in plots.DESCRIPTIONS]
COMPARED = [panel.title for panel in plots.COMPARISONS]


def table(weights, seeds=(1,), batch=1, baseline=True):
    """A table of `metrics.measure` with any numbers in it."""
    keys = [(w, seed, index) for seed in seeds for index in range(batch) for w in weights]
    rows = pd.DataFrame(keys, columns=["weight", "seed", "index"])
    for number, name in enumerate(COLUMNS[4:], start=1):
        rows[name] = number * (1 + rows["weight"] ** 2) + rows["seed"] / 10
    if not baseline:
        rows[[panel.column for panel in plots.COMPARISONS]] = np.nan
    return rows


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw a table and return the figure, once its PNG was looked at."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kw: (figures.append(self), save(self, *args, **kw))
    )

    def draw(rows, title="run"):
        plots.draw(rows, tmp_path / "new" / "m.png", title)
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.png"]
        with Image.open(tmp_path / "new" / "m.png") as image:
            assert image.format == "PNG" and image.height > 500
        return figures[-1]

    return draw


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes]


def words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def thick(axes):
    """The one bold line of a panel."""
    (line,) = [line for line in axes.lines if line.get_linewidth() > 2]
    return line


def test_every_metric_has_a_panel_and_those_against_weight_0_come_first(drawn):
    panels = plots.COMPARISONS + plots.DESCRIPTIONS
    assert sorted(panel.column for panel in panels) == sorted(COLUMNS[4:])
    assert titles(drawn(table([0, 0.5]))) == COMPARED + OWN


def test_a_line_for_each_seed_and_index_and_their_mean(drawn):
    rows = table([0.8, 0, 0.4], seeds=(1, 2, 3), batch=2)
    figure = drawn(rows)
    contrast = figure.axes[titles(figure).index("contrast")]
    mean = thick(contrast)
    assert len(contrast.lines) == 6 + 1 + 1
    assert list(mean.get_xdata()) == [0, 0.4, 0.8]
    assert mean.get_ydata()[1] == pytest.approx(rows["contrast"][rows["weight"] == 0.4].mean())
    assert words(figure) == ["each seed and index", "mean", "without the LoRA"]


def test_one_seed_is_named_instead_of_a_mean(drawn):
    assert words(drawn(table([0, 0.5], seeds=(123456789,)))) == [
        "seed 123456789",
        "without the LoRA",
    ]


@pytest.mark.parametrize("weights", [[0.5], [-1, -0.5, 0.5], [0.1, 0.2]])
def test_without_a_baseline_nothing_is_compared(drawn, weights):
    figure = drawn(table(weights, seeds=(1, 2), baseline=False))
    assert titles(figure) == OWN
    assert "no pictures at weight 0" in figure.get_supxlabel()


@pytest.mark.parametrize(("weights", "marked"), [([-1, 0], True), ([0.5], False), ([-1, 1], True)])
def test_weight_0_is_marked_where_it_lies_within(drawn, weights, marked):
    assert ("without the LoRA" in words(drawn(table(weights)))) == marked


def test_a_single_weight_is_seen(drawn):
    figure = drawn(table([0.5], seeds=(1, 2)))
    low, high = figure.axes[0].get_xlim()
    assert low < 0.5 < high
    assert {line.get_marker() for line in figure.axes[0].lines} == {".", "o"}


def test_many_seeds_and_weights_get_no_longer_legend(drawn):
    weights = [round(-1 + number / 10, 2) for number in range(21)]
    assert len(words(drawn(table(weights, seeds=range(50))))) == 3


@pytest.mark.parametrize("title", ["ぽにゅ 絵柄-1a2b3c4d", "a$b$c", "x" * 250, ""])
def test_any_name_of_a_run_may_head_it(drawn, recwarn, title):
    figure = drawn(table([0, 0.5]), title)
    (heading,) = figure.texts[-1:]
    assert heading.get_text() == title or heading.get_text().endswith("x…")
    assert heading.get_window_extent().x1 < figure.bbox.width * 0.65
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read as CSV"),
        ("", "cannot be read as CSV"),
        ("weight,seed,index\n0,1,0\n", "has no column brightness, clipped,"),
        (",".join(COLUMNS) + "\n", "has no rows"),
    ],
)
def test_a_bad_table_is_named(tmp_path, content, complaint):
    path = tmp_path / "metrics.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=f"metrics.csv: {complaint}"):
        plots.read(path)
