"""What a call will do, in lines, before it does it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.dataset.risks import Risk
from lorabench.settings.models import BUNDLED_BASE
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import EXTENTS, plan
from lorabench.workflow import outlook
from tests import records
from tests.finished import make_run, planned

RECORD = records.run(train={"batch_size": 2})
LOG = "step,epoch,loss,lr,seconds,device\n1,1,0.1,0.1,5.0,cpu\n10,1,0.1,0.1,100.0,cpu\n"


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(outlook.notes, "notes", lambda plan: plan.notes)
    train = {"steps": 380, "epochs": None, "batch_size": 8, "gradient_accumulation": 1}
    monkeypatch.setattr(outlook, "_OF_GPUS", ())
    config = SimpleNamespace(
        lora=None,
        trainer="embedded",
        models={},
        train=SimpleNamespace(device="auto", **train),
        base_model=BUNDLED_BASE,
        batch_size=1,
        bench=SimpleNamespace(size=None),
    )
    raw = SimpleNamespace(pictures=[None] * 35)
    return SimpleNamespace(
        config=config,
        base_model=Path(BUNDLED_BASE),
        notes=["a warning"],
        risks=[],
        paths=SimpleNamespace(
            root=tmp_path / "runs" / "x-1", lora=Path("style_x__x-1.safetensors")
        ),
        raw=raw,
        training=SimpleNamespace(reg=None),
        varied="",
        awaits_epochs=False,
        sets=[SimpleNamespace(raw=raw, folder=tmp_path / "normalized")],
        loras=(Path("style_x__x-1.safetensors"),),
        record=RECORD,
        sweep=None,
        embedded_server=True,
        family=BUNDLED,
        autoencoder=Path(BUNDLED_BASE),
        given=frozenset(),
        variants=plan("zw, a cat", [], "zw", EXTENTS["off"], (0.0, 0.4), (1,)),
    )


def lines(made, **jobs):
    return list(outlook.lines(made, jobs, 2))


def test_warnings_come_first_then_stages_pictures_and_times(made):
    warning, stages, benchmark = lines(
        made,
        normalize_dataset=1,
        train_lora=1,
        bench_image=2,
        bench_metrics=1,
        bench_verdict=1,
        bench_grid=1,
    )
    assert warning == "a warning"
    assert stages.endswith(
        "x-1: normalize 35 pictures, train 380 steps (about 2 minutes), render 2 pictures, "
        "measure, judge and lay out the pictures"
    )
    assert benchmark.startswith("The benchmark: 1 prompt × (1 weight + no LoRA) × 1 seed")
    assert benchmark.endswith("2 to render, about 16 s")  # 14 of them the server's start


@pytest.mark.parametrize(
    ("given", "idle"),
    [
        ({"trainer": "kohya"}, "trainer does nothing: leave out trainer"),
        ({"models": {"ae": "x"}}, "models do nothing: leave out models"),
        ({"trainer": "musubi", "models": {"ae": "x"}}, "trainer and models do nothing: leave out"),
    ],
)
def test_what_only_a_training_takes_is_said_to_do_nothing_with_a_lora(made, given, idle):
    vars(made.config).update(given)
    assert not any("nothing" in line for line in lines(made))
    made.config.lora = "a.safetensors"
    assert lines(made)[1].startswith(f"nothing is trained with lora=, so {idle}")


def test_what_will_spoil_a_training_is_said_before_it(made):
    made.risks = [Risk("few_pictures", {"count": 1})]
    _, risk, stages = lines(made, train_lora=1)
    assert risk.startswith("BEFORE YOU TRAIN: 1 picture is all there is to learn from: a LoRA ")
    assert "train 380 steps" in stages


def test_a_set_is_looked_through_by_itself_or_before_a_training(made):
    assert lines(made, normalize_dataset=1, dataset_page=1)[1].endswith(
        "normalize 35 pictures, look the set through"
    )
    assert "look the set through" not in lines(made, dataset_page=1, train_lora=1)[1]


def test_pictures_that_a_narrower_sweep_leaves_out_are_said(made, tmp_path):
    run, _ = make_run(tmp_path, prompts=1, weights=(0.0, 0.4, 0.8), seeds=(1,), size=8)
    made.paths.root = run
    made.sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
    assert len(lines(made, record_sweep=1)) == 2
    narrower = planned(1, (0.0, 0.4), (1,))
    made.sweep = made.sweep.model_copy(update={"weights": (0.4,), "variants": narrower})
    *_, said, command = lines(made, record_sweep=1)
    assert "at weight 0.80 were rendered earlier" in said
    assert "weights=0.4,0.8" in command


def test_only_what_will_be_done_is_named(made):
    assert lines(made, bench_image=1)[1].endswith("x-1: render 1 picture")
    assert lines(made, record_sweep=1)[1:] == [f"{made.paths.root}: record sweep"]


def test_the_autoencoder_of_a_large_model_takes_long_on_a_cpu(made):
    def showing(family):
        made.family = family
        return lines(made, normalize_dataset=1, render_reference=1)[1]

    made.config.preprocess = SimpleNamespace(resolution=512)
    assert showing(BUNDLED).endswith("normalize 35 pictures")
    assert showing(SD15).endswith(
        "pass the training pictures through the base model "
        "(about 23 minutes on one core, seconds on a GPU)"
    )
    made.autoencoder = None  # that of another family is not read: the pictures are copied
    assert showing(SD15).endswith("normalize 35 pictures")
    made.autoencoder, made.config.train.device = made.base_model, "cuda"
    assert showing(SD15).endswith("normalize 35 pictures")
    made.config.train.device, made.autoencoder = "auto", None
    assert showing(SD15).endswith("normalize 35 pictures"), "they are measured as they are"


def test_a_trainings_time_is_told_by_those_that_went_alike(made, tmp_path):
    made.config.base_model = "other"
    assert "train 380 steps" in lines(made, train_lora=1)[1]
    assert "about" not in lines(made, train_lora=1)[1]
    other = tmp_path / "runs" / "y-2"
    (other / "train").mkdir(parents=True)
    (other / "train" / "train_log.csv").write_text(LOG)
    records.write(RECORD, other / "run.yaml")
    assert "train 380 steps (about 253 minutes)" in lines(made, train_lora=1)[1]
    (_, elsewhere) = outlook.lines(made, {"train_lora": 1}, 2, here=False)
    assert "about" not in elsewhere, "a cluster has GPUs"


def test_on_a_comfyui_that_is_asked_for_nothing_the_way_to_fewer_pictures_is_said(made):
    made.embedded_server = False
    for made.family in (SD15, BUNDLED):  # the latter if the checkpoint is not here
        benchmark, fewer = lines(made, bench_image=2)[2:]
        assert benchmark.endswith("about 6 s if a picture takes 3 s, as on a usual GPU")
        made.config.bench.size = "512x512"
        assert lines(made, bench_image=2)[2].endswith(
            "(how long that takes is known after the first one)"
        )
        made.config.bench.size = None
    assert fewer == "Fewer pictures, and no verdict: prompts=[] probe=off"
    made.given = frozenset({"prompts"})
    assert len(lines(made, bench_image=2)) == 3


def test_the_epochs_that_a_training_will_keep_are_announced_behind_it(made):
    made.awaits_epochs = True
    (_, stages) = lines(made, train_lora=1)
    assert stages.endswith(
        "train 380 steps (about 2 minutes), then the same of the epochs that it keeps"
    )
