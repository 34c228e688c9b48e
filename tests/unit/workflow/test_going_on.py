"""The sweep that goes on by itself: when, to what, and how the same command keeps to it."""

import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lorabench import layout
from lorabench.bench.verdicts.verdict import Finding
from lorabench.errors import UserError
from lorabench.run import existing
from lorabench.workflow import going_on
from lorabench.workflow.stopping import Stopping
from tests.finished import VERDICT, make_run

USUAL = (0.4, 0.6, 0.8)
EDGE = replace(
    VERDICT, weight=0.8, window=(0.4, 0.8), above=None, unknown=[Finding("highest", 0.8)]
)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A finished run with a verdict, as a plan of it; and what is called when all has ended."""
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(going_on.atexit, "register", lambda *call: calls.append(call))

    def make(told=EDGE, weights=USUAL, given=(), embedded=True):
        run, _ = make_run(tmp_path, weights=(0.0, *weights), told=told, size=8)
        plan = SimpleNamespace(
            embedded_server=embedded,
            given=frozenset(given),
            config=SimpleNamespace(weights=weights),
            paths=layout.RunLayout("style", "ponnyu_v1", run.name, "0" * 8),
            awaits_epochs=False,
            searches=False,
            several=(),
        )
        return plan, calls

    return make


@pytest.fixture
def signals():
    """Signals that are held back are held back no more afterwards, nor in programs started then."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_it_goes_on_where_the_best_weight_is_the_highest(finished, signals):
    plan, calls = finished()
    (said,) = going_on.go_on([plan], Stopping())
    assert said.endswith(": 0.8 may not be the best weight yet; going on with 1 and 1.2")
    assert existing.further(plan.paths) == (0.4, 0.6, 0.8, 1.0, 1.2)
    ((called, stopping),) = calls
    stopping.begun = True
    called(stopping)  # somebody stopped it in between: nothing is called


def test_a_search_that_has_ended_begins_with_no_higher_weights(finished):
    plan, calls = finished()
    plan.searches, plan.search = True, SimpleNamespace(settled=True)
    assert going_on.go_on([plan], Stopping()) == calls == []
    assert existing.further(plan.paths) == ()


@pytest.mark.parametrize(
    "given",
    [
        {"given": ["weights"]},
        {"embedded": False},
        {"told": VERDICT},
        {"told": replace(EDGE, label="dead", weight=None, window=None)},
        {"told": replace(EDGE, label="fried", weight=None, window=None)},
        {"weights": (0.4, 1.2)},
    ],
)
def test_it_ends_where_somebody_chose_or_no_higher_weight_helps(finished, given):
    plan, calls = finished(**given)
    assert going_on.go_on([plan], Stopping()) == calls == []
    assert existing.further(plan.paths) == ()


def test_a_damaged_record_is_named(finished):
    plan, _ = finished()
    plan.paths.further.write_text("weights: many")
    with pytest.raises(UserError, match=r"further\.yaml: not the record of a sweep that went on"):
        existing.further(plan.paths)


def test_it_goes_on_with_the_epochs_that_the_training_kept_before_higher_weights(finished, signals):
    plan, calls = finished()
    plan.awaits_epochs = True
    lora = plan.paths.lora
    for epoch in (2, 4):
        lora.with_name(f"{lora.stem}-{epoch:06d}.safetensors").touch()
    (said,) = going_on.go_on([plan], Stopping())
    assert said.endswith(": going on with the 2 epochs that the training kept")
    assert existing.further(plan.paths) == () and len(calls) == 1


def test_where_none_were_kept_or_all_are_benched_it_goes_on_with_no_epochs(finished):
    plan, calls = finished(told=VERDICT)
    plan.awaits_epochs = True
    assert going_on.go_on([plan], Stopping()) == calls == []
    plan, calls = finished()
    plan.several = ("one", "another")
    assert going_on.go_on([plan], Stopping()) == calls == [], "one LoRA's weights are not all's"
