"""The benchmark for a GPU: its full models, what it notes, and how it ends."""

import time

import pytest

from benchmarks.gpu import shapes
from benchmarks.gpu.__main__ import Task, work_through
from benchmarks.gpu.ledger import Ledger


def count(network):
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("shape", "unet", "encoders"),
    [
        (shapes.FULL[0], 859_520_964, [123_060_480]),
        (shapes.FULL[1], 2_567_463_684, [123_060_480, 694_659_840]),
    ],
)
def test_the_full_models_have_as_many_weights_as_the_published_ones(shape, unet, encoders):
    parts = shapes.networks(shape, "meta")
    assert count(parts.unet) == unet and count(parts.vae) == 83_653_863
    assert [count(encoder) for encoder in parts.text_encoders] == encoders


def test_a_failure_is_noted_and_stops_nothing(capsys):
    ledger, done = Ledger(), []

    def fails():
        raise ValueError("no\nluck")

    tasks = iter([Task("one", fails), Task("two", lambda: done.append(2))])
    work_through(tasks, ledger, 60)
    assert done == [2] and ledger.failed
    assert "| one |  |  |  | **FAIL** ValueError: no luck |" in ledger.table()


def test_what_the_time_does_not_suffice_for_is_named_and_no_failure():
    ledger, done = Ledger(), []
    names = iter([Task("slow", lambda: time.sleep(60)), Task("later", lambda: done.append(1))])
    work_through(names, ledger, 1)
    assert not done and not ledger.failed
    results = {row.what: row.result for row in ledger.rows}
    assert results == {"slow": "left out: not done after 1 s", "later": "left out: 1 s were over"}


def test_the_table_has_both_figures_and_their_ratio(capsys):
    ledger = Ledger()
    ledger.figure("a step", "s", 0.5, 1.0)
    ledger.check("equal", False, "2 of 3 tensors differ")
    assert "| a step | 0.5 s | 1 s | 0.50 | measured |" in ledger.table()
    assert capsys.readouterr().out.splitlines() == [
        "a step; 0.5 s; plain diffusers 1 s; ratio 0.50; measured",
        "equal; **FAIL** 2 of 3 tensors differ",
    ]
    assert ledger.failed
