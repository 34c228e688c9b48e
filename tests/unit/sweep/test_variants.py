"""What a benchmark draws: prompts, and the probes made of them."""

import re

import pytest

from lorabench.errors import UserError
from lorabench.sweep import variants
from lorabench.sweep.variants import EXTENTS, Prompt, named, plan, read, usual_weight, without
from lorabench.text import syntax

OWN = "zwirbl style, a red mushroom"
CAT = Prompt("cat", "zwirbl style, a cat")


def planned(own=OWN, prompts=(CAT,), probe="full", weights=(0.0, 0.4, 0.8), seeds=(7, 9)):
    found = plan(own, prompts, "zwirbl style", EXTENTS[probe], weights, seeds)
    return {variant.name: variant for variant in found}


def test_what_the_user_asked_for_comes_first_and_whole():
    found = list(planned().values())[:2]
    assert [variant.name for variant in found] == ["", "prompt-cat"]
    assert [variant.text for variant in found] == [OWN, CAT.text]
    assert {variant.weights for variant in found} == {(0.0, 0.4, 0.8)}
    assert {variant.seeds for variant in found} == {(7, 9)}


def test_the_trigger_alone_is_drawn_at_every_weight_and_at_1_with_seeds_of_its_own():
    trigger = planned()["trigger"]
    assert trigger.text == "zwirbl style"
    assert trigger.weights == (0.0, 0.4, 0.8, 1.0)
    assert trigger.seeds == (7, 8, 9, 10, 11, 12, 13, 14)
    assert planned(seeds=(2**64 - 1,))["trigger"].seeds[:2] == (2**64 - 1, 0)


def test_untriggered_prompts_are_drawn_at_0_and_where_a_leak_shows():
    found = planned(weights=(0.0, 0.4, 0.8, 1.2))
    assert found["untriggered"].text == "a red mushroom"
    assert found["untriggered"].prompt == ""
    cat = found["prompt-cat.untriggered"]
    assert (cat.text, cat.prompt) == ("a cat", "cat")
    assert cat.weights == (0.0, 0.8)
    assert cat.seeds == (7,)


@pytest.mark.parametrize("typed", ["mika (moon)", r"mika \(moon\)", "{trigger}"])
def test_a_trigger_with_brackets_is_escaped_in_prompts_however_it_is_typed(typed):
    trigger, in_prompt = "mika (moon)", r"mika \(moon\)"
    (cat,) = named([f"cat: ({typed}:1.2), a (big) cat, (mika:1.1)"], trigger)
    assert cat.text == f"({in_prompt}:1.2), a (big) cat, (mika:1.1)"
    found = plan(None, [cat], trigger, EXTENTS["full"], (0.0, 0.8), (1,))
    texts = {variant.name: variant.text for variant in found}
    assert texts["trigger"] == in_prompt
    assert texts["prompt-cat.untriggered"] == "a (big) cat, (mika:1.1)"
    assert variants.has(f"{trigger}, a ball", trigger)  # a caption, which has no escapes


def test_another_word_in_the_brackets_is_another_tag():
    assert not variants.has("mika (star), mika", "mika (moon)")
    assert syntax.called("mika (moon:1.2), mika (moons)", "mika (moon)") == (
        "mika (moon:1.2), mika (moons)"
    )


def test_a_prompt_without_the_trigger_has_no_untriggered_twin():
    found = planned(own="a red mushroom", prompts=[CAT, Prompt("only", "zwirbl style")])
    assert [name for name in found if "untriggered" in name] == ["prompt-cat.untriggered"]


@pytest.mark.parametrize(
    ("probe", "trigger", "untriggered"), [("full", 8, 8), ("quick", 4, 3), ("off", 0, 0)]
)
def test_the_extent_says_how_many(probe, trigger, untriggered):
    prompts = [Prompt(str(n), f"zwirbl style, {n}") for n in range(12)]
    found = planned(prompts=prompts, probe=probe).values()
    assert sum(len(v.seeds) for v in found if v.probe == "trigger") == trigger
    assert sum(v.probe == "untriggered" for v in found) == untriggered


def test_without_trigger_words_or_weight_0_there_are_no_probes():
    assert len(plan(OWN, [], "", EXTENTS["full"], (0.0, 0.8), (1,))) == 1
    assert list(planned(weights=(0.4, 0.8))) == ["", "prompt-cat"]


@pytest.mark.parametrize(
    ("weights", "weight"),
    [((0.0, 0.4, 0.8, 1.0), 0.8), ((0.0, 0.7, 0.9), 0.7), ((0.0, 2.0), 2.0), ((0.0,), 0.0)],
)
def test_a_leak_is_looked_for_near_the_usual_weight(weights, weight):
    assert usual_weight(weights) == weight


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("mofu, a hat", "a hat"),
        ("a hat, mofu , red", "a hat, red"),
        ("a picture of mofu in a boat", "a picture of in a boat"),
        ("mofu", ""),
        ("mofumofu, a hat", "mofumofu, a hat"),
        ("モフ、mofu、帽子", "モフ、、帽子"),
        ("(mofu:1.2), a hat", "a hat"),
        ("((mofu)), a [[mofu]] hat", "a hat"),
        ("a hat, ((mofu):0.8)", "a hat"),
        ("(mofu, a hat:1.2), (red, mofu:1.1)", "(a hat:1.2), (red:1.1)"),
        (r"a hat \(mofu\), (red:1.2)", r"a hat \(\), (red:1.2)"),
    ],
)
def test_the_trigger_is_taken_out_as_a_word(text, rest):
    assert without(text, "mofu") == rest


def test_prompts_have_names_given_or_made_of_their_words():
    found = named(["cat: {trigger}, a cat", "{trigger}, A (red:1.2) dog, in the big snow"], "zw")
    assert found == [
        Prompt("cat", "zw, a cat"),
        Prompt("a-red-1-2-dog", "zw, A (red:1.2) dog, in the big snow"),
    ]


@pytest.mark.parametrize("name", ["cat", "a-red", "赤い_猫", "w0.40", "trigger"])
def test_a_name_may_look_like_anything(name):
    assert named([f"{name}: text"], "")[0].name == name


def test_no_prompt_has_the_folder_of_a_probe():
    with pytest.raises(UserError, match=r"prompts: cat\.untriggered: .* take another name"):
        named(["cat.untriggered: a"], "")


def test_two_prompts_of_one_name_are_refused():
    with pytest.raises(UserError, match="two are called cat"):
        named(["cat: a", "cat: b"], "")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a cat", " "], "one is empty"),
        (["a cat", "other: a cat"], "a-cat and other are the same, 'a cat'"),
        (["{triger}, a cat"], "has {triger}; did you mean {trigger}"),
        (["{Trigger}, a cat"], "has {Trigger}; did you mean {trigger}"),
    ],
)
def test_prompts_that_are_mistakes_are_refused(lines, message):
    with pytest.raises(UserError, match=re.escape(message)):
        variants.named(lines, "ponnyu style")


def test_other_braces_are_left_as_they_are():
    (prompt,) = variants.named(["{trigger}, a {red|blue} dog, {masterpiece}"], "ponnyu style")
    assert prompt.text == "ponnyu style, a {red|blue} dog, {masterpiece}"


def test_prompts_that_begin_alike_are_numbered():
    lines = ["a white cat on the table", "a white cat on the roof", "a-white-cat-on-the-2: given"]
    assert [prompt.name for prompt in named(lines, "")] == [
        "a-white-cat-on-the",
        "a-white-cat-on-the-3",
        "a-white-cat-on-the-2",
    ]


@pytest.mark.parametrize("typed", ["{trigger}, a cat", "({trigger}:1.2), a cat", "a cat"])
def test_trigger_words_are_taken_out_of_a_prompt_as_they_were_filled_in(typed):
    filled = variants.filled(typed, "mika (moon)", "prompts")
    assert variants.unfilled(filled, ["", "mika", "mika (moon)"]) == typed
    assert variants.unfilled(filled, []) == filled


def test_a_placeholder_without_trigger_words_is_refused():
    with pytest.raises(UserError, match="trigger="):
        named(["{trigger}, a cat"], "")


def test_a_file_of_prompts_may_have_comments_and_empty_lines(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeff# mine\n\n a cat\n", encoding="utf-8")
    assert [line.strip() for line in read(path)] == ["a cat"]


@pytest.mark.parametrize("content", [None, b"# nothing\n", b"\xff\xfe\x00"])
def test_a_file_without_prompts_is_refused(tmp_path, content):
    path = tmp_path / "prompts.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="prompts"):
        read(path)
