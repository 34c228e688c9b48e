import torch
from safetensors import safe_open as open_file

from lorabench.train.state import StateFile


def test_a_state_is_found_again(tmp_path):
    output = tmp_path / "a.safetensors"
    StateFile(output, "this").save_if_due(step=3, weights=[torch.ones(2)])
    found = StateFile(output, "this").load()
    assert found["step"] == 3 and torch.equal(found["weights"][0], torch.ones(2))


def test_the_state_of_another_training_is_reported_and_discarded(tmp_path, caplog):
    output = tmp_path / "a.safetensors"
    StateFile(output, "that").save_if_due(step=3)
    assert StateFile(output, "this").load() is None
    assert "discarded" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_broken_state_is_reported_and_discarded(tmp_path, caplog):
    state = StateFile(tmp_path / "a.safetensors", "this")
    state.save_if_due(step=3)
    (state.folder / "state.safetensors").write_bytes(b"garbage")
    assert state.load() is None
    assert "unreadable" in caplog.text


def test_a_state_is_as_it_was_and_no_pickle(tmp_path):
    saved = {
        "optimizer": {
            "state": {0: {"step": torch.tensor(3.0)}},
            "groups": [{"betas": (0.9, 0.999)}],
        },
        "rows": [(1, 1, 0.1 + 0.2, None)],
        "scaler": {},
    }
    state = StateFile(tmp_path / "a.safetensors", "this")
    state.save_if_due(**saved)
    assert state.load() == saved
    assert open_file(next(state.folder.iterdir()), "numpy").metadata()


def test_no_state_is_no_state(tmp_path):
    assert StateFile(tmp_path / "a.safetensors", "this").load() is None


def test_saving_waits_for_fifty_times_its_own_duration(tmp_path, monkeypatch):
    now = iter([0.0, 1.0, 50.0, 51.5, 52.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    state = StateFile(tmp_path / "a.safetensors", "this")
    state.save_if_due(step=1)  # takes from 0 to 1: the next is due at 51
    state.save_if_due(step=2)  # at 50
    assert state.load()["step"] == 1
    state.save_if_due(step=3)  # at 51.5
    assert state.load()["step"] == 3
