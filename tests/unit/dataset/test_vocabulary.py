"""Tags and words of captions, and what may be misspelt among them."""

import re

import pytest

from lorabench.dataset import vocabulary

KNOWN = {"crown", "brown", "mushroom", "umbrella", "blanket"}


def slips(*captions):
    times = vocabulary.counted(map(vocabulary.words, captions))
    found = vocabulary.misspellings(times, KNOWN.__contains__)
    return [(slip.word, slip.meant, slip.times) for slip in found]


@pytest.mark.parametrize(
    ("caption", "tags"),
    [
        ("zw, blue_eyes,  A  hat,", ["zw", "blue eyes", "a hat"]),
        ("すみれ、笑顔，制服", ["すみれ", "笑顔", "制服"]),
        ("", []),
    ],
)
def test_tags_are_what_commas_part(caption, tags):
    assert vocabulary.tags(caption) == tags


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A cat's hat, top_hat", ["cat's", "hat", "top", "hat"]),
        ("青い背景で眠っているネコの絵", ["青", "背景", "眠", "ネコ", "絵"]),
        ("1girl, the 2 of them", ["them"]),
    ],
)
def test_words_are_without_fillers_and_hiragana(caption, words):
    assert vocabulary.words(caption) == words


def test_each_caption_counts_once():
    assert vocabulary.counted([["a", "a"], ["a", "b"]]) == {"a": 2, "b": 1}


@pytest.mark.parametrize("slip", ["mushrom", "mushroon", "muhsroom", "musshroom", "xushroom"])
def test_a_letter_too_few_another_or_two_in_the_wrong_order_is_a_slip(slip):
    assert slips(*["a mushroom"] * 3, f"a {slip}") == [(slip, "mushroom", 3)]


@pytest.mark.parametrize("word", ["mushrooms", "crown", "blue", "mushroom", "mashrom", "キノコ"])
def test_plurals_words_and_what_is_further_off_are_none(word):
    assert slips(*["a mushroom, brown"] * 3, f"a {word}") == []


def test_a_word_that_is_seldom_itself_says_nothing_of_spelling():
    assert slips("a mushroom", "a mushroom", "a mushrom") == []


def test_the_trigger_words_are_taken_out():
    assert vocabulary.without("zw, a cat", re.compile("zw")) == ", a cat"
    assert vocabulary.without("zw, a cat", None) == "zw, a cat"
