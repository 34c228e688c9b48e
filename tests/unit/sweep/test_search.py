"""The parts of a full sweep that a search renders, and their record."""

from lorabench.sweep import search
from lorabench.sweep.search import Part, SearchRecord
from lorabench.sweep.variants import EXTENTS, Prompt, plan

PROMPTS = [Prompt(name, f"ink, a {name}") for name in ("car", "cat", "dog", "fish", "house")]
FULL = plan("ink, a cap", PROMPTS, "ink", EXTENTS["quick"], (0, 0.4, 0.6, 0.8), (1,))


def test_it_begins_with_the_ends_of_the_weights_and_few_prompts_of_all_loras():
    found = search.first(["a", "b"], (0.4, 0.6, 0.8), ["", "car", "cat", "dog", "fish"])
    assert [part.lora for part in found] == ["a", "b"]
    assert {(part.weights, part.prompts) for part in found} == {((0.4, 0.8), ("", "cat", "fish"))}
    assert search.first([""], (0.8,), [""]) == (Part("", (0.8,), ("",)),)


def test_parts_have_their_weights_and_what_is_drawn_without_a_lora():
    parts = [Part("", (0.4, 0.8), ("", "car")), Part("", (0.6,), ("car",))]
    found = {one.name: one.weights for one in search.narrowed(FULL, parts)}
    assert found == {"": (0, 0.4, 0.8), "prompt-car": (0, 0.4, 0.6, 0.8)}
    assert search.narrowed(FULL, [Part("other", (0.4,), ("",))]) == []
    assert search.weights(parts) == {0.4, 0.6, 0.8}


def test_probes_are_rendered_where_a_part_has_them():
    found = search.narrowed(FULL, [Part("", (0.6,), probes=True)])
    trigger, *without = found
    assert (trigger.probe, trigger.weights) == ("trigger", (0, 0.6, 1.0))
    assert {(one.probe, one.weights) for one in without} == {("untriggered", (0.0, 0.8))}


BEGUN = SearchRecord(weights=(0.4, 0.8), prompts=("", "car"))


def test_its_record_is_read_as_it_was_written(tmp_path):
    parts = (Part("a", (0.4,), ("",)), Part("a", (0.4,), probes=True))
    made = BEGUN.model_copy(update={"parts": parts, "stage": 2})
    made.write(tmp_path / "search.yaml")
    found = SearchRecord.read(tmp_path / "search.yaml")
    assert (found.parts, found.stage, found.settled) == (parts, 2, False)


def test_one_more_lora_begins_with_a_coarse_look_at_it_and_one_less_ends_nothing():
    begun = BEGUN.with_loras(["a", "b"])
    assert [part.lora for part in begun.parts] == ["a", "b"]
    ended = begun.model_copy(update={"stage": 4, "settled": True})
    assert ended.with_loras(["a", "b"]) == ended
    less = ended.with_loras(["b"])
    assert (less.parts, less.settled) == (begun.parts[1:], True)
    more = ended.with_loras(["b", "a", "c"])
    assert more.parts == (*begun.parts, Part("c", (0.4, 0.8), ("", "car")))
    assert (more.stage, more.settled) == (0, False)


def test_with_more_pictures_it_goes_on_where_their_number_ended_it():
    ended = BEGUN.model_copy(update={"stage": 2, "settled": True, "limit": 150})
    assert ended.within(150) == ended == ended.within(100)
    for more in (151, None):
        found = ended.within(more)
        assert (found.stage, found.settled, found.limit) == (2, False, None)
    settled = BEGUN.model_copy(update={"settled": True})
    assert settled.within(None) == settled.within(10) == settled
