"""The charts of a sweep: what is drawn, marked, and left out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lorabench.bench.measures.columns import METRICS, OF_A_WEIGHT
from lorabench.bench.plots import by_weight, charts, over_loras, tradeoff
from lorabench.bench.verdicts import stored
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError
from tests import finished

FEW = ("style_gained", "structure", "contrast")
"""Enough for most tests: each panel takes its time."""


def tables(prompts=(), weights=finished.FEW, seeds=(1,), batch=1, columns=FEW):
    """The tables of a measured sweep, with the summary of some columns."""
    metrics = finished.metrics(prompts, weights, seeds, batch)
    chosen = [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]
    return charts.Tables(metrics, finished.summarised(metrics)[["weight", *chosen]])


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw with a module and return the figure, once its PNG was looked at."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *args, **kw: (figures.append(self), save(self, *args, **kw))
    )

    def draw(module, *arguments):
        path = tmp_path / "new" / "m.png"
        module.draw(arguments[0], path, *arguments[1:])
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.png"]
        with Image.open(path) as image:
            assert image.format == "PNG" and image.height > 300
        return figures[-1]

    return draw


def titles(figure):
    return [axes.get_title("left").replace("\n", " ") for axes in figure.axes]


def words(figure):
    return {text.get_text() for text in figure.legends[0].get_texts()}


def test_a_title_leaves_room_for_its_unit(drawn):
    sweep = tables(columns=[metric.column for metric in METRICS])
    for metric in OF_A_WEIGHT:
        for end in ("", "_low", "_high"):
            sweep.summary[metric.column + end] = sweep.summary[f"contrast{end}"]
    figure = drawn(by_weight, sweep)
    assert len(figure.axes) == len(METRICS) + len(OF_A_WEIGHT)
    for axes in figure.axes:
        title, unit = (text.get_window_extent() for text in (axes._left_title, axes._right_title))
        assert title.y0 > unit.y1 or title.x1 < unit.x0, axes.get_title("left")
        assert title.x1 < axes.get_tightbbox().x1 + 1


def labelled(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def test_every_metric_has_a_panel_in_the_order_of_the_registry_and_others_follow(drawn):
    columns = ["diversity", *(metric.column for metric in reversed(METRICS))]
    shown = titles(drawn(by_weight, tables(columns=columns)))
    assert shown == [*(metric.title for metric in METRICS), "diversity over seeds"]


def test_what_was_not_measured_has_no_panel(drawn):
    sweep = tables()
    sweep.summary["style_gained"] = np.nan
    assert titles(drawn(by_weight, sweep)) == ["structure kept", "contrast"]


def test_the_mean_and_its_band_are_those_of_the_summary(drawn):
    sweep = tables("ab", [0.8, 0, 0.4])
    axes = drawn(by_weight, sweep).axes[FEW.index("contrast")]
    (mean,) = labelled(axes, "mean")
    assert list(mean.get_xdata()) == [0, 0.4, 0.8]
    assert list(mean.get_ydata()) == list(sweep.summary["contrast"])
    (band,) = axes.collections
    low, high = band.get_datalim(axes.transData).intervaly
    assert low == pytest.approx(sweep.summary["contrast_low"].min())
    assert high == pytest.approx(sweep.summary["contrast_high"].max())


def test_a_thin_line_for_each_prompt_is_its_mean_over_seeds(drawn):
    sweep = tables("ab", seeds=(1, 2), batch=2)
    figure = drawn(by_weight, sweep)
    lines = labelled(figure.axes[FEW.index("contrast")], "each prompt")
    own = sweep.metrics[sweep.metrics["variant"] == ""].groupby("weight")["contrast"].mean()
    assert len(lines) == 3
    assert list(lines[0].get_ydata()) == pytest.approx(list(own))
    assert words(figure) == {"each prompt", "95 % interval", "mean", "without the LoRA"}


def test_of_one_prompt_each_seed_is_shown(drawn):
    figure = drawn(by_weight, tables(seeds=(1, 2, 3)))
    assert len(labelled(figure.axes[0], "each seed")) == 3


def test_one_picture_a_weight_is_a_line(drawn):
    assert words(drawn(by_weight, tables())) == {"mean", "without the LoRA"}


@pytest.mark.parametrize(("weights", "marked"), [([-1, 0], True), ([0.5], False), ([-1, 1], True)])
def test_weight_0_is_marked_where_it_lies_within(drawn, weights, marked):
    assert ("without the LoRA" in words(drawn(by_weight, tables(weights=weights)))) == marked


def test_the_window_and_the_recommended_weight_are_marked_in_every_panel(drawn):
    figure = drawn(by_weight, tables(), "", finished.works(0.6, (0.4, 0.8)))
    for axes in figure.axes:
        (line,) = labelled(axes, "recommended")
        assert line.get_xdata()[0] == 0.6
        (patch,) = axes.patches
        left, right = axes.transData.inverted().transform(patch.get_window_extent())[:, 0]
        assert 0.3 < left < 0.4 and 0.8 < right < 0.9


def test_a_verdict_without_a_usable_weight_marks_none(drawn):
    dead = Verdict("dead", None, None)
    assert words(drawn(by_weight, tables(), "", dead)) == words(drawn(by_weight, tables()))
    assert "recommended" not in words(drawn(tradeoff, tables(), "", dead))


def test_a_single_weight_is_seen(drawn):
    figure = drawn(by_weight, tables(weights=[0.5], seeds=(1, 2)))
    low, high = figure.axes[0].get_xlim()
    assert low < 0.5 < high
    assert {line.get_marker() for line in figure.axes[0].lines} == {".", "o"}
    (interval,) = figure.axes[0].collections[1].get_segments()
    assert list(interval[:, 0]) == [0.5, 0.5]


def test_the_tradeoff_joins_the_weights_in_their_order(drawn):
    sweep = tables("ab", [0.8, 0, 0.4])
    figure = drawn(tradeoff, sweep, "", finished.works(0.4, (0.4, 0.8)))
    (axes,) = figure.axes
    (path,) = labelled(axes, "weights")
    assert list(path.get_xdata()) == list(sweep.summary["structure"])
    assert list(path.get_ydata()) == list(sweep.summary["style_gained"])
    (usable,) = labelled(axes, "usable window")
    assert list(usable.get_xdata()) == list(sweep.summary["structure"][1:])
    (best,) = labelled(axes, "recommended")
    assert list(best.get_ydata()) == [sweep.summary["style_gained"][1]]
    assert [text.get_text() for text in axes.texts if text.get_text()[0].isdigit()] == [
        "0",
        "0.4",
        "0.8",
    ]


def test_the_crosses_of_the_tradeoff_are_the_intervals(drawn):
    sweep = tables("ab")
    (axes,) = drawn(tradeoff, sweep).axes
    across, along = (collection.get_segments() for collection in axes.collections)
    for row, level, upright in zip(sweep.summary.itertuples(), across, along, strict=True):
        assert list(level[:, 0]) == pytest.approx([row.structure_low, row.structure_high])
        assert list(upright[:, 1]) == pytest.approx([row.style_gained_low, row.style_gained_high])


@pytest.mark.parametrize("column", ["structure", "style_gained"])
def test_a_tradeoff_that_was_not_measured_says_so(drawn, column):
    sweep = tables()
    sweep.summary[column] = np.nan
    (axes,) = drawn(tradeoff, sweep).axes
    assert "Not measured" in axes.texts[0].get_text()
    assert not axes.lines


@pytest.mark.parametrize("module", [by_weight, tradeoff])
@pytest.mark.parametrize("title", ["ぽにゅ 絵柄-1a2b3c4d", "a$b$c", "x" * 250, ""])
def test_any_name_of_a_run_may_head_it(drawn, recwarn, module, title):
    figure = drawn(module, tables("ab"), title, finished.works())
    (heading,) = figure.texts[-1:]
    assert heading.get_text() == title or heading.get_text().endswith("x…")
    assert heading.get_window_extent().x1 < figure.legends[0].get_window_extent().x0
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_the_probes_are_left_out(tmp_path):
    finished.write_tables(tmp_path, ["cat"])
    table = pd.read_csv(tmp_path / "metrics.csv", keep_default_na=False)
    probe = table.iloc[:3].assign(variant="trigger", probe="trigger")
    pd.concat([table, probe]).to_csv(tmp_path / "metrics.csv", index=False)
    read = charts.read(tmp_path / "metrics.csv", tmp_path / "summary.csv")
    assert len(read.metrics) == len(table)
    assert set(read.metrics["variant"]) == {"", "prompt-cat"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        ("", "it has no column weight, seed, index, file"),
        ("weight,seed,index,file\n0,1,0,a\n", "has no column probe, variant;"),
        ("variant,probe,weight,seed,index,file\n", "has no rows"),
        ("variant,probe,weight,seed,index,file\n,,much,1,0,a\n", "line 2: weight should be a nu"),
        ("variant,probe,weight,seed,index,file\n,,0.4,1,0,a\n,,0.4\n", "line 3 has 3 fields"),
        ("variant,probe,weight,seed,index,file\n,,0.4,1,0,a", "its last line has no end"),
    ],
)
def test_a_bad_table_is_named(tmp_path, content, complaint):
    finished.write_tables(tmp_path)
    path = tmp_path / "pictures.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=rf"pictures\.csv: .*{complaint}"):
        charts.read(path, tmp_path / "summary.csv")


def test_another_summary_is_named(tmp_path):
    finished.write_tables(tmp_path)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other\.csv: .*it has no column weight"):
        charts.read(tmp_path / "metrics.csv", tmp_path / "other.csv")


@pytest.fixture
def several(tmp_path, drawn):
    """Draw LoRAs side by side, with the log of a training if asked for."""

    def draw(loras, logged=False, rows=None):
        run, _ = finished.make_run(tmp_path, prompts=1, seeds=(1,), size=16, loras=loras)
        log = run / "train" / "train_log.csv" if logged else None
        if rows is not None:
            log.write_text(
                "".join(f"{line}\n" for line in log.read_text().splitlines()[: rows + 1])
            )
        told = stored.read(run / "bench" / "verdict.json")
        summary = run / "bench" / "summary.csv"
        on = SimpleNamespace(draw=lambda loras, path: over_loras.draw(
            loras, summary, path, "a run", told, log
        ))  # fmt: skip
        return drawn(on, loras)

    return draw


def ticks(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


def test_a_series_is_drawn_over_its_epochs_beside_the_loss(several):
    figure = several(finished.series(2, 4, 6), logged=True)
    assert titles(figure) == ["style gained", "prompt kept", "structure kept", "loss"]
    assert all(ticks(axes) == ["2", "4", "6"] for axes in figure.axes)
    assert [line.get_xdata()[0] for line in labelled(figure.axes[0], "to use")] == [4]
    assert [line.get_xdata()[0] for line in labelled(figure.axes[3], "to use")] == [199]
    assert figure.get_supxlabel() == "epoch, at weight 0.8"


def test_a_log_without_rows_is_left_out(several):
    figure = several(finished.series(2, 4, 6), logged=True, rows=0)
    assert titles(figure) == ["style gained", "prompt kept", "structure kept"]


def test_loras_of_a_list_are_drawn_by_name_and_not_joined(several):
    names = ("ink", "ぽにゅ_rank_16_long_a", "ぽにゅ_rank_16_long_b")
    loras = [
        replace(one, name=name, series="")
        for one, name in zip(finished.series(2, 4, 6), names, strict=True)
    ]
    figure = several(tuple(loras), logged=True)
    assert titles(figure) == ["style gained", "prompt kept", "structure kept"], "no loss of all"
    assert ticks(figure.axes[0]) == ["ink", "ぽにゅ_r…_16_long_a", "ぽにゅ_r…_16_long_b"]
    assert labelled(figure.axes[0], "mean")[0].get_linestyle() == "None"


def test_one_lora_is_not_drawn_side_by_side(tmp_path):
    with pytest.raises(UserError, match="on one LoRA"):
        over_loras.draw((), tmp_path / "s.csv", tmp_path / "p.png", "", finished.works())
