"""Identity: what makes another run, and what does not."""

import os

import pytest

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.dataset.raw import read
from lorabench.digests import Digests
from lorabench.errors import UserError
from lorabench.run.identity import check_binding, identify, one_trigger
from lorabench.settings.layers import merge, resolve


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"picture a")
    (folder / "a.txt").write_text("a caption")
    return folder


@pytest.fixture
def base(tmp_path):
    file = tmp_path / "base.safetensors"
    file.write_bytes(b"weights")
    return file


def identity(raw, base, memory="none.json", **given):
    config = resolve(merge({"raw_set": "x", "base_model": str(base), **given}), BUNDLED.preset)
    return identify(config, read(raw), Digests(raw.parent / memory))


def test_the_same_contents_are_the_same_run(raw, base):
    assert identity(raw, base) == identity(raw, base)
    assert identity(raw, base).run_id.startswith("x-")


def test_touching_copying_and_bench_settings_change_nothing(raw, base, tmp_path):
    before = identity(raw, base)
    os.utime(raw / "a.png", (1, 1))
    raw.rename(tmp_path / "elsewhere")
    after = identity(tmp_path / "elsewhere", base, weights="0.1", seeds=5, positive="p")
    assert after == before


@pytest.mark.parametrize(
    "change",
    [
        lambda raw, base: (raw / "a.txt").write_text("another caption"),
        lambda raw, base: (raw / "b.png").write_bytes(b"picture b"),
        lambda raw, base: (raw / "a.png").rename(raw / "c.png"),
        lambda raw, base: base.write_bytes(b"other weights"),
    ],
)
def test_other_contents_are_another_run(raw, base, change):
    before = identity(raw, base)
    change(raw, base)
    assert identity(raw, base).run_id != before.run_id


@pytest.mark.parametrize(
    "given", [{"train": {"unet_lr": 1e-3}}, {"preprocess": {"trigger": "t"}}, {"profile": "char"}]
)
def test_other_settings_are_another_run(raw, base, given):
    assert identity(raw, base, **given).run_id != identity(raw, base).run_id


def test_training_settings_share_the_normalized_set(raw, base):
    one, other = identity(raw, base), identity(raw, base, train={"rank": 4})
    assert one.run_id != other.run_id
    assert one.normalized_id == other.normalized_id


def test_files_that_are_neither_pictures_nor_captions_do_not_count(raw, base):
    before = identity(raw, base)
    (raw / "Thumbs.db").write_bytes(b"")
    (raw / ".hidden.png").write_bytes(b"")
    assert identity(raw, base) == before


def test_links_count_by_what_they_lead_to_and_not_while_they_lead_nowhere(raw, base, tmp_path):
    before = identity(raw, base)
    (raw / "b.png").symlink_to(tmp_path / "elsewhere.png")
    assert identity(raw, base) == before
    (tmp_path / "elsewhere.png").write_bytes(b"picture b")
    assert identity(raw, base) != before


def test_repeats_are_part_of_a_run_only_where_there_are_any(raw, base):
    assert set(identity(raw, base).contents["raw"]) == {"files", "digest"}
    (raw / "10_sks girl").mkdir()
    for path in list(raw.glob("a.*")):
        path.rename(raw / "10_sks girl" / path.name)
    assert identity(raw, base).contents["raw"]["repeats"] == {"10_sks girl": 10}


def test_what_lies_behind_a_linked_folder_is_remembered(raw, tmp_path):
    far = tmp_path / "far"
    far.mkdir()
    (far / "b.png").write_bytes(b"picture b")
    (raw / "far").symlink_to(far)
    digests = Digests(tmp_path / "memory.json")
    digests.remember(raw)
    digests.save()
    assert str(raw / "far" / "b.png") in (tmp_path / "memory.json").read_text()


def test_identifying_writes_nothing(raw, base):
    identity(raw, base)
    assert sorted(p.name for p in raw.parent.iterdir()) == ["base.safetensors", "raw"]


def test_remembered_digests_are_used_while_size_and_mtime_stand(raw, base):
    memory = raw.parent / "memory.json"
    digests = Digests(memory)
    digests.remember(base)
    digests.save()
    remembered = digests.of(base)
    stat = base.stat()
    base.write_bytes(b"WEIGHTS")
    os.utime(base, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Digests(memory).of(base) == remembered
    os.utime(base, (1, 1))
    assert Digests(memory).of(base) != remembered


@pytest.mark.parametrize(
    "content", ["{", "[]", '"a"', '{"{base}": 5}', '{"{base}": [1, 2]}', "[" * 100_000]
)
def test_a_broken_memory_is_an_empty_one(raw, base, content):
    (raw.parent / "memory.json").write_text(content.replace("{base}", str(base)))
    assert identity(raw, base, "memory.json") == identity(raw, base)


def test_a_run_bound_to_other_contents_lists_what_differs():
    with pytest.raises(UserError) as error:
        check_binding(
            {"train": {"rank": 8, "alpha": 4}}, {"train": {"rank": 16, "alpha": 4}}, "mine"
        )
    assert "train.rank: 8 -> 16" in str(error.value)
    assert "alpha" not in str(error.value)


def test_trigger_words_are_recorded_once():
    preprocess = {"resolution": 128, "trigger": "set"}
    record = {"raw_set": "set", "trigger": "ink", "identity": {"preprocess": preprocess}}
    found = one_trigger({**record, "preprocess": preprocess})
    assert found["trigger"] == "ink"
    assert found["preprocess"] == found["identity"]["preprocess"] == {"resolution": 128}
    kept = {"raw_set": "set", "preprocess": {"trigger": "ink"}}  # what pictures are trained with
    assert one_trigger(kept) == kept


def test_a_record_of_before_binds_as_one_of_now():
    before = {"raw_set": "set", "preprocess": {"trigger": "set"}}
    check_binding(one_trigger(before), before, "mine")
    check_binding(before, before, "mine")
    with pytest.raises(UserError, match=r"preprocess.trigger: None -> 'ink'"):
        check_binding(one_trigger(before), {**before, "preprocess": {"trigger": "ink"}}, "mine")


def test_later_settings_at_their_default_are_in_no_identity_and_no_record(raw, base):
    config = resolve({"raw_set": "x", "base_model": str(base)}, BUNDLED.preset)
    assert not {"validation", "prior_loss_weight"} & config.train.model_dump().keys()
    plain = identity(raw, base)
    assert "reg" not in plain.contents
    assert identity(raw, base, train={"validation": 0, "prior_loss_weight": 1}) == plain
    for train in ({"validation": 0.1}, {"prior_loss_weight": 0.5}):
        assert identity(raw, base, train=train).contents["train"].items() >= train.items()
        assert identity(raw, base, train=train).run_id != plain.run_id


def test_regularization_pictures_are_part_of_a_run_by_their_content(raw, base, tmp_path):
    config = resolve({"raw_set": "x", "base_model": str(base)}, BUNDLED.preset)
    reg = tmp_path / "reg"
    reg.mkdir()
    (reg / "b.png").write_bytes(b"picture b")

    def regularized():
        return identify(config, read(raw), Digests(tmp_path / "none.json"), read(reg))

    first = regularized()
    assert first.run_id != identity(raw, base).run_id
    assert first.normalized_id == identity(raw, base).normalized_id
    (reg / "b.txt").write_text("a cat")
    assert regularized().run_id != first.run_id


def test_files_beside_the_base_model_are_part_of_it_where_there_are_any(raw, base, tmp_path):
    without = identity(raw, base)
    assert "models" not in without.contents
    assert identity(raw, base, models={}) == without
    (tmp_path / "ae.safetensors").write_text("ae")
    given = identity(raw, base, models={"ae": str(tmp_path / "ae.safetensors")})
    assert given.run_id != without.run_id
    assert given.contents["models"]["ae"]["name"] == "ae.safetensors"
