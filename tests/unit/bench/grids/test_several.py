"""Several LoRAs side by side: what stands in which column and row."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lorabench.bench.grids import several
from lorabench.bench.verdicts import stored
from lorabench.errors import UserError
from lorabench.sweep.pictures import open_rgb
from lorabench.sweep.record import SweepRecord
from tests.finished import make_run, series


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw a run of three epochs over two prompts; return run, record, grids and their parts."""
    grids = []
    save = several.pages.save

    def kept(found, *rest):
        grids.extend(found)
        return save(found, *rest)

    monkeypatch.setattr(several.pages, "save", kept)

    def draw(change=lambda told: told, **given):
        run, _ = make_run(
            tmp_path, loras=series(2, 4, 6), weights=(0.0, 0.4, 0.8), seeds=(1,), **given
        )
        sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
        told = change(stored.read(run / "bench" / "verdict.json"))
        paths = list(several.draw(sweep, run / "bench", tmp_path / "grid", "a title", told))
        return run, {path.relative_to(tmp_path / "grid").as_posix(): path for path in paths}, grids

    return draw


def shows(path, picture):
    """Return whether a grid shows a picture of 64 pixels, which it enlarges."""
    enlarged = open_rgb(picture).resize((256, 256), Image.Resampling.LANCZOS)
    whole, part = np.asarray(Image.open(path).convert("RGB")), np.asarray(enlarged)
    height, width = whole.shape[0] - 255, whole.shape[1] - 255
    here = np.ones((height, width), bool)  # few places are left by some pixels
    for x, y in np.random.default_rng(0).integers(0, 256, (16, 2)):
        here &= (whole[y : y + height, x : x + width] == part[y, x]).all(axis=2)
    starts = np.argwhere(here)
    return any(np.array_equal(whole[y : y + 256, x : x + 256], part) for y, x in starts)


def test_each_lora_stands_at_its_own_weight_beside_none(drawn):
    run, paths, (beside, *_) = drawn()
    assert beside.headings == ["no LoRA", "epoch 2 · 0.8", "epoch 4 · 0.8", "epoch 6 · 0.8"]
    assert [row.variant for row in beside.rows] == ["", "prompt-lighthouse"]
    assert beside.caption.startswith("of 3 LoRAs, use epoch 4 at 0.8 (as good: epoch 6)")
    bench = run / "bench"
    for name in ("epoch-000002/w0.80", "epoch-000004/w0.80", "w0.80", "w0.00"):
        assert shows(paths["loras.png"], bench / name / "seed1_00.png"), name
    assert not shows(paths["loras.png"], bench / "epoch-000002" / "w0.40" / "seed1_00.png")


def test_loras_by_weights_have_a_grid_for_each_prompt_without_the_probes(drawn):
    _, paths, (_, own, cat) = drawn()
    assert {name for name in paths if name.endswith(".png")} == {
        "loras.png", "loras/benchmark_seed1_00.png", "loras/lighthouse_seed1_00.png",
    }  # fmt: skip
    for grid in (own, cat):
        assert grid.weights == [0, 0.4, 0.8]
        assert [row.label for row in grid.rows] == ["epoch 2", "epoch 4", "epoch 6"]


def test_where_none_works_all_stand_at_the_usual_weight(drawn):
    def none(told):
        each = {key: replace(one, weight=None) for key, one in told.choice.each.items()}
        return replace(told, weight=None, choice=replace(told.choice, each=each))

    _, _, (beside, *_) = drawn(none)
    assert beside.headings[1:] == ["epoch 2 · 0.8", "epoch 4 · 0.8", "epoch 6 · 0.8"]
    assert beside.caption.startswith("none of 3 LoRAs works")


def test_without_weight_0_there_is_no_such_column(tmp_path, drawn):
    run, _, grids = drawn()
    sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
    bare = [replace(one, weights=(0.4, 0.8)) for one in sweep.variants if not one.probe]
    grids.clear()
    told = stored.read(run / "bench" / "verdict.json")
    narrowed = sweep.model_copy(update={"variants": tuple(bare)})
    list(several.draw(narrowed, run / "bench", tmp_path / "bare", "a title", told))
    assert grids[0].headings == ["epoch 2 · 0.8", "epoch 4 · 0.8", "epoch 6 · 0.8"]
    assert grids[1].weights == [0.4, 0.8]


def test_a_sweep_of_one_lora_has_none(tmp_path):
    run, _ = make_run(tmp_path)
    sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
    told = stored.read(run / "bench" / "verdict.json")
    with pytest.raises(UserError, match="the sweep has one LoRA"):
        list(several.draw(sweep, run / "bench", tmp_path / "grid", "a title", told))
