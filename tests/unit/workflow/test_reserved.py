"""What a cluster is asked to reserve for a job."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lorabench.base.stable_diffusion import BUNDLED, SD15, SDXL
from lorabench.workflow import outlook, reserved


def plan(family=SD15, device="cuda", resolution=None, **train):
    preset = family.preset
    train = {"gradient_accumulation": 1, "epochs": None, **preset["train"], **train}
    resolution = resolution or preset["preprocess"]["resolution"]
    return SimpleNamespace(
        family=family,
        record=None,
        autoencoder=Path("base"),
        embedded_server=True,
        config=SimpleNamespace(
            batch_size=2,
            trainer="embedded",
            train=SimpleNamespace(device=device, **train),
            preprocess=SimpleNamespace(resolution=resolution),
            bench=SimpleNamespace(device=device, threads=4),
        ),
        raw=SimpleNamespace(pictures=[None] * 35),
        sets=[None],
        paths=SimpleNamespace(root=Path("runs/none")),
    )


@pytest.mark.parametrize(
    ("trainer", "device", "here", "files", "gpus"),
    [
        ("embedded", "auto", True, (), None),
        ("embedded", "auto", True, ("/dev/null",), 1),
        ("embedded", "auto", False, (), 1),
        ("embedded", "cpu", False, ("/dev/null",), None),
        ("embedded", "cuda", True, (), 1),
        ("kohya", "auto", True, (), 1),
        ("kohya", "cpu", False, ("/dev/null",), None),
    ],
)
def test_a_training_on_this_cpu_takes_no_gpu(monkeypatch, trainer, device, here, files, gpus):
    monkeypatch.setattr(outlook, "_OF_GPUS", tuple(map(Path, files)))
    config = SimpleNamespace(trainer=trainer, train=SimpleNamespace(device=device))
    assert reserved.gpus(config, here) == gpus


def test_time_is_asked_for_as_family_resolution_batch_and_steps_need_it():
    minutes = reserved.training_minutes(plan())
    for more in ({"batch_size": 4}, {"steps": 3200}, {"resolution": 768}, {"device": "cpu"}):
        assert reserved.training_minutes(plan(**more)) > minutes, more
    assert reserved.training_minutes(plan(SDXL)) > minutes
    assert reserved.training_minutes(plan(steps=None, epochs=10)) > 0


def test_the_time_of_an_earlier_training_counts_where_there_is_one(monkeypatch):
    each = {"cuda": 6.0, "cpu": 60.0}
    monkeypatch.setattr(
        outlook.forecast, "seconds_a_picture_trained", lambda runs, record, device: each[device]
    )
    for device, minutes in (("cuda", 3 * 2), ("auto", 3 * 2), ("cpu", 3 * 20)):
        known = plan(steps=10, batch_size=2, device=device)
        known.record = object()
        assert reserved.training_minutes(known) == minutes, device


def test_the_bundled_model_asks_for_minutes_on_a_cpu():
    (took,) = {reserved.training_minutes(plan(BUNDLED, device)) for device in ("cpu", "cuda")}
    assert 108 < 60 * took < 10 * 108, "it took 108 s on one core"
    assert reserved.cell_minutes(plan(BUNDLED, "cpu")) == 1


def test_on_a_comfyui_the_bundled_family_is_a_checkpoint_that_is_not_here():
    unknown, known = plan(BUNDLED), plan(SD15)
    for one in (unknown, known):
        one.embedded_server, one.config.batch_size = False, 40
    assert reserved.cell_minutes(unknown) == reserved.cell_minutes(known)


def test_the_training_pictures_have_the_autoencoders_time():
    large = plan(device="cpu", resolution=768)
    large.raw.pictures *= 2
    assert reserved.reference_minutes(large) > 94, "64 of them take a core so many minutes"
    assert reserved.reference_minutes(plan(device="auto", resolution=768)) == 60
    assert reserved.reference_minutes(plan(BUNDLED, "cpu")) == 60


def test_memory_is_the_models_and_without_a_gpu_the_batchs():
    assert reserved.training_mb(plan()) == SD15.memory_mb < reserved.training_mb(plan(SDXL))
    small, large = (reserved.training_mb(plan(device="cpu", batch_size=n)) for n in (1, 4))
    assert SD15.memory_mb < small < large


def test_a_cell_takes_the_servers_gpu_and_time():
    assert (reserved.of_server(plan()), reserved.of_server(plan(device="cpu"))) == (
        {"gpu": "1"},
        {},
    )
    assert (reserved.cell_mb(plan()), reserved.cell_threads(plan())) == (SD15.memory_mb, 4)
    elsewhere = plan()
    elsewhere.embedded_server = False
    assert (reserved.of_server(elsewhere), reserved.cell_threads(elsewhere)) == ({}, 1)
    assert reserved.cell_mb(elsewhere) < SD15.memory_mb
    assert 1 <= reserved.cell_minutes(plan()) < reserved.cell_minutes(plan(device="cpu"))
