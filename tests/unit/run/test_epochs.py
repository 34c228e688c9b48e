"""The states that a training kept on its way: which are benched, and what is refused."""

import pytest

from lorabench.errors import UserError
from lorabench.run import notes
from lorabench.sweep.loras import label
from lorabench.sweep.variants import cells
from lorabench.workflow import commands, targets
from tests import records
from tests.loras import save_lora


@pytest.fixture
def trained(plan):
    """Save a run's LoRA of ten epochs and states after these; its name is that of its set."""
    lora = plan().paths.lora
    lora.parent.mkdir(parents=True, exist_ok=True)

    def save(*kept, last=10):
        save_lora(lora, 1, {"ss_epoch": str(last)})
        for epoch in kept:
            save_lora(lora.with_name(f"{lora.stem}-{epoch:06d}.safetensors"), epoch)
        lora.with_name(f"{lora.stem}-notes.safetensors").touch()

    yield save
    for path in lora.parent.iterdir():
        path.unlink()


def names(found):
    return [label(one) for one in found.several]


def test_by_default_the_last_is_benched_alone_as_ever(plan, trained):
    trained(2, 4)
    found = plan()
    assert (found.several, list(found.loras), found.awaits_epochs) == ((), [""], False)
    assert "" in found.by_folder
    assert "loras" not in found.sweep.contents()


def test_all_that_were_kept_or_some_are_benched_before_the_last(plan, trained):
    trained(4, 2, 8)
    for epochs, number in (("all", [2, 4, 8]), ("2,8", [2, 8]), ([8, 2, 2], [2, 8]), ("2,10", [2])):
        found = plan(epochs=epochs)
        assert names(found) == [f"epoch {one}" for one in (*number, 10)]
        assert [one.key for one in found.several] == [f"epoch-{one:06d}" for one in number] + [""]
        assert found.paths == plan().paths and not found.awaits_epochs
        assert all(path.exists() for path in found.loras.values())


def test_a_search_begins_with_the_last_and_goes_on_with_all_that_were_kept(plan, trained):
    search = {"epochs": "all", "search": "auto", "weights": "0.4,0.6,0.8"}
    before = plan(**search)
    assert before.awaits_epochs and {part.lora for part in before.search.parts} == {""}
    assert cells(before.variants) < cells(plan(weights="0.4,0.6,0.8").variants)
    assert before.paths.set_page in targets.results(before), "it is said before the training"
    trained(2, 4)
    found = plan(**search)
    assert [part.lora for part in found.search.parts] == ["epoch-000002", "epoch-000004", ""]
    assert cells(before.variants) < cells(found.variants)


def test_pictures_of_the_last_and_without_a_lora_stay_where_they_are(plan, trained):
    trained(2)
    one, found = plan(weights="0.5"), plan(weights="0.5", epochs="all")
    assert one.by_folder.keys() < found.by_folder.keys()
    for folder in one.by_folder:
        assert commands.receipts(found, folder) == commands.receipts(one, folder)
        assert commands.cell(found, folder) == commands.cell(one, folder)
    (receipt,) = commands.receipts(found, "epoch-000002/")
    assert receipt.endswith("/epoch-000002.installed.json")


def test_a_last_state_whose_epoch_nobody_wrote_is_called_by_its_file(plan, trained):
    trained(2)
    save_lora(plan().paths.lora)
    assert names(plan(epochs="all")) == ["epoch 2", plan().paths.lora.stem]


def test_before_the_training_the_last_is_planned_alone(plan):
    found = plan(epochs="4,8")
    assert found.several == () and found.awaits_epochs
    assert commands.kept_epochs(found) == "--set=save_every_epochs=4"


@pytest.mark.parametrize(
    ("epochs", "train", "kept"),
    [
        ("last", {}, ""),
        ("all", {}, "--keep-epochs=8"),
        ("6,9", {}, "--set=save_every_epochs=3"),
        (["12"], {}, "--set=save_every_epochs=12"),
        ("all", {"save_every_epochs": 5}, ""),
        ("6,9", {"save_every_epochs": 3}, ""),
    ],
)
def test_the_training_keeps_what_is_asked_for(plan, epochs, train, kept):
    found = plan(epochs=epochs, train=train)
    assert commands.kept_epochs(found) == kept
    assert found.paths == plan().paths, "what changes nothing of the LoRA is no part of a run"


def test_epochs_that_the_training_did_not_keep_are_refused_with_those_that_it_kept(plan, trained):
    trained(2, 4)
    with pytest.raises(UserError, match=r"epochs=3,4: .* kept 2, 4, and its last, after 10\. To"):
        plan(epochs="3,4")
    for path in plan().paths.lora.parent.glob("*-00000?.safetensors"):
        path.unlink()
    with pytest.raises(UserError, match=r"epochs=all: .* kept none on its way, and its last"):
        plan(epochs="all")


@pytest.mark.parametrize("epochs", ["first", "0,4", "4,-1", "", [], "1.5", True, {"a": 1}])
def test_what_are_no_epochs_is_refused(plan, epochs):
    with pytest.raises(UserError, match=r"epochs: .*(should be last, all, or numbers|from 1)"):
        plan(epochs=epochs)


def test_a_run_is_benched_with_its_epochs_by_its_name(plan, trained):
    trained(2)
    made = plan()
    named = {"skip_train": True, "run_id": made.paths.run_id}
    records.write(made.record, made.paths.record)
    try:
        found, given = plan(**named, epochs="all"), plan(**named, epochs="all", trigger="mofu")
        assert names(found) == ["epoch 2", "epoch 10"]
        assert [one.trigger for one in found.several] == ["trigger", "trigger"]
        assert [one.trigger for one in given.several] == ["mofu", "mofu"]
        assert commands.cell(found, "prompt-cat/") == commands.cell(plan(**named), "prompt-cat/")
    finally:
        made.paths.record.unlink()


def test_epochs_that_the_settings_will_not_keep_are_refused_before_a_training(plan, trained):
    keep, ten = {"save_every_epochs": 4}, {"epochs": 10, "steps": None}
    with pytest.raises(
        UserError, match=r"epochs=6,8: with train\.save_every_epochs=4, no .* 6 will"
    ):
        plan(epochs="6,8", train=keep)
    with pytest.raises(UserError, match=r"with train\.epochs=10, no state after 12 and 16 will"):
        plan(epochs="4,12,16", train=ten)
    assert plan(epochs="4,8", train=keep).awaits_epochs
    assert plan(epochs="4,10", train={**keep, **ten}).awaits_epochs
    trained(4, 8)
    assert names(plan(epochs="8,10", train=keep)) == ["epoch 8", "epoch 10"]


def test_where_the_last_is_all_there_is_it_is_benched_alone(plan, trained):
    trained()
    assert plan(epochs="10").several == ()
    trained(last=1)
    assert plan(epochs="all").several == plan(epochs="1").several == ()
    with pytest.raises(UserError, match="kept none on its way"):
        plan(epochs="2")


def test_epochs_that_no_number_of_steps_reaches_are_refused_and_unlikely_ones_are_said(plan):
    steps = {"steps": 20, "batch_size": 2}  # of four pictures
    with pytest.raises(UserError, match=r"with train.steps=20, no state after 21 will be kept"):
        plan(epochs="4,21", train=steps)
    (said,) = notes.notes(plan(epochs="4,12", train=steps))
    assert said.startswith("epochs=12: 20 steps are about 10 epochs of 4 pictures")
    assert not notes.notes(plan(epochs="4,10", train=steps))
