"""What will spoil a training is said of sets that it spoils, and not of good ones."""

import json
from random import Random

import pytest

from lorabench.dataset import checks, risks
from lorabench.dataset.looks import Look
from tests import captioned
from tests.captioned import facts, good, unlike

THINGS = captioned.THINGS
CAPTIONS = [f"zw, a {one} {thing}" for thing in THINGS for one in captioned.ADJECTIVES[:2]]
"""Of a set in order."""


def codes(found):
    return [risk.code for risk in checks.find(found)]


def only(found):
    (risk,) = checks.find(found)
    return risk


def test_nothing_is_said_of_a_set_in_order():
    assert codes(facts(CAPTIONS)) == []
    assert codes(facts(CAPTIONS, looks=unlike(20), given_back=[0.7] * 20, tokens=[40] * 20)) == []


@pytest.mark.parametrize("how", captioned.GOOD, ids=lambda how: how.__name__)
def test_nothing_is_said_of_sets_as_people_caption_them(how):
    for seed in range(10):
        assert codes(good(how, seed)) == []


@pytest.mark.parametrize(("number", "said"), [(1, True), (5, True), (6, False)])
def test_few_pictures(number, said):
    found = codes(facts(CAPTIONS[:number]))
    assert found == (["few_pictures"] if said else [])


def test_trigger_words_that_stand_nowhere():
    risk = only(facts(CAPTIONS, trigger="ponnyu"))
    assert risk.code == "trigger_nowhere"
    assert "'ponnyu' stand in none of 20 captions" in risk.words().what


def test_trigger_words_that_some_captions_lack():
    odd = [*CAPTIONS[:17], "a cat", "ZW, a fox", "z_w, a ship"]
    risk = only(facts(odd))
    assert risk.code == "trigger_missing" and risk.pictures == ("17.png", "19.png")
    assert "2 of 20 captions lack the trigger words 'zw' (17.png, 19.png)" in risk.words().what
    assert "1 of 20 captions lacks" in only(facts([*CAPTIONS[:19], "a cat"])).words().what


def test_plain_pictures_beside_the_taught_are_meant():
    assert codes(facts([*CAPTIONS[:10], *(text[4:] for text in CAPTIONS[10:])])) == []


def test_a_first_tag_that_most_captions_share_may_be_the_trigger():
    told = [f"flatart, {caption}" if at > 1 else caption for at, caption in enumerate(CAPTIONS)]
    risk = only(facts(told, trigger=""))
    assert risk.code == "trigger_unsure" and risk.pictures == ("0.png", "1.png")
    said = risk.words()
    assert f"{len(told) - 2} of {len(told)} captions begin with 'flatart'" in said.what
    assert "the prompts then have none" in said.reason
    assert "'flatart'" in risk.words("ja").remedy
    assert codes(facts(told[:6], trigger="")) == ["trigger_unsure"]
    few = [caption.removeprefix("zw, ") for caption in CAPTIONS]
    assert codes(facts(few, trigger="")) == []


def test_pictures_without_a_caption_have_the_trigger_words():
    assert codes(facts([*CAPTIONS[:17], None, None, None])) == []


@pytest.mark.parametrize("caption", ["zw", "zw, a cat", None])
def test_captions_all_alike(caption):
    risk = only(facts([caption] * 20))
    assert risk.code == "captions_alike"
    assert f"20 of 20 pictures have the same caption, {caption or 'zw'!r}" in risk.words().what


HAIR = [
    f"zw, silver hair, {thing}, {face}" for thing in captioned.CLOTHES for face in captioned.FACES
]


def test_a_trait_of_a_character_that_captions_name():
    risk = only(facts(HAIR, "char"))
    assert risk.code == "trait_named"
    assert "100% of the captions or more name 'silver hair'" in risk.words().what
    assert "alone do not call it" in risk.words().reason
    some = [text if at % 4 else text.replace("silver hair, ", "") for at, text in enumerate(HAIR)]
    assert codes(facts(some, "char")) == [], "in three of four it may be what comes and goes"
    two = [text.replace("silver hair", "blue_eyes, cat ears") for text in HAIR]
    assert "alone do not call them" in only(facts(two, "char")).words().reason


@pytest.mark.parametrize(
    "tag", ["closed eyes", "hair ornament", "looking at viewer", "messy hair", "smile", "制服"]
)
def test_what_comes_and_goes_is_no_trait(tag):
    assert codes(facts([text.replace("silver hair", tag) for text in HAIR], "char")) == []


@pytest.mark.parametrize("tag", ["銀髪", "赤い目", "猫耳", "ツインテール", "fox tail"])
def test_traits_in_two_languages(tag):
    assert codes(facts([text.replace("silver hair", tag) for text in HAIR], "char")) == [
        "trait_named"
    ]


def test_a_style_that_captions_name():
    risk = only(facts([f"{text}, watercolor" for text in CAPTIONS]))
    assert risk.code == "trait_named" and "a style that captions name" in risk.words().reason
    assert codes(facts([f"{text}, a drawing of it" for text in CAPTIONS])) == []


def white(number, other=0):
    return [Look((255, 255, 254) if at >= other else (90, 90, 90), look.phash)
            for at, look in enumerate(unlike(number))]  # fmt: skip


def test_a_background_that_all_have_and_none_names():
    risk = only(facts(CAPTIONS, "char", looks=white(20)))
    assert risk.code == "background_unnamed" and risk.fields["example"] == "white background"
    assert codes(facts(CAPTIONS, "char", looks=white(20, other=3))) == []
    named = [f"{text}, white background" for text in CAPTIONS]
    assert codes(facts(named, "char", looks=white(20))) == []
    assert codes(facts(CAPTIONS, "style", looks=white(20))) == [], "it may be a part of a style"


def test_a_mark_that_all_have():
    risk = only(facts(CAPTIONS, mark=(0.75, 0.9, 1.0, 1.0)))
    assert risk.code == "mark" and "from 75% to 100% of the width" in risk.words().what


def test_one_subject_in_a_style():
    cats = [f"zw, a {one} cat, {place}" for one in captioned.ADJECTIVES for place in THINGS[1:3]]
    risk = only(facts(cats))
    assert risk.code == "subject_alike" and "20 of 20 captions name 'cat'" in risk.words().what
    assert codes(facts(cats, "char")) == []
    assert codes(facts([*cats[:17], *CAPTIONS[2:5]])) == []


def test_a_subject_that_no_list_knows_is_named_by_sentences():
    places = ("in a pond", "with a hat on a blue background", "sleeping", "and a teapot")
    pets = [
        f"zw, a drawing of a {one} axolotl {at}"
        for one in captioned.ADJECTIVES[:5]
        for at in places
    ]
    assert "20 of 20 captions name 'axolotl'" in only(facts(pets)).words().what
    girls = [f"zw, an illustration of a girl with a smile on a {one} background, {at}"
             for one in captioned.ADJECTIVES[:5] for at in places]  # fmt: skip
    assert codes(facts(girls)) == []


def test_pictures_all_alike():
    alike = [Look(None, 0xF0F0F0F0F0F0F0F0 ^ (1 << at) ^ (1 << (at * 7) % 64)) for at in range(20)]
    assert only(facts(CAPTIONS, looks=alike)).code == "pictures_alike"


def test_pictures_of_a_style_differ_more_than_those_of_a_character():
    """As cuttings of one drawing do, by 23 bits."""
    dice = Random(1)
    cuttings = [sum(1 << bit for bit in range(64) if dice.random() < 0.24) for _ in range(20)]
    looks = [Look(None, one) for one in cuttings]
    assert only(facts(CAPTIONS, looks=looks)).code == "pictures_alike"
    assert codes(facts(CAPTIONS, "char", looks=looks)) == []


def test_pictures_that_the_autoencoder_cannot_give_back():
    risk = only(facts(CAPTIONS, given_back=[0.3, 0.9, *[0.3] * 18]))
    assert (
        risk.code == "not_given_back"
        and "gives back 30% of these pictures' fine detail" in risk.words().what
    )
    assert codes(facts(CAPTIONS, given_back=[0.3, *[0.52] * 19])) == []


def test_captions_longer_than_the_encoder_reads():
    risk = only(facts(CAPTIONS, tokens=[*[76] * 2, *[75] * 18]))
    assert risk.code == "captions_long" and risk.pictures == ("0.png", "1.png")
    assert codes(facts(CAPTIONS, tokens=[76, *[75] * 19])) == []
    assert codes(facts(CAPTIONS, tokens=[*[76] * 2, *[75] * 18], **{"profile": "style"})) != []


def test_buckets_with_one_picture():
    sizes = [(64 * at, 64) for at in range(1, 9)] + [(512, 512)] * 12
    risk = only(facts(CAPTIONS, size=sizes))
    assert risk.code == "lone_buckets" and len(risk.pictures) == 8
    assert codes(facts(CAPTIONS, size=sizes, batch_size=1)) == []
    assert codes(facts(CAPTIONS, size=[(64, 64)] * 3 + [(512, 512)] * 17)) == []


def test_far_too_few_steps_and_far_too_many():
    risk = only(facts(CAPTIONS, steps=200))
    assert risk.code == "steps_few" and "train: {steps: 1600}" in risk.words().remedy
    assert codes(facts(CAPTIONS, steps=500)) == []
    risk = only(facts(CAPTIONS, steps=6000))
    assert risk.code == "steps_many" and "each of 20 pictures 600 times" in risk.words().what
    assert "train: {steps: 1500}" in risk.words().remedy
    assert codes(facts(CAPTIONS, steps=None, epochs=100)) == []
    assert codes(facts(CAPTIONS, steps=None, epochs=600)) == ["steps_many"]


def test_every_risk_has_words_in_both_languages_and_goes_into_a_file():
    found = [
        *checks.find(facts([None] * 3, "char", looks=white(3), steps=9)),
        *checks.find(facts(HAIR[:20], "char", "zq", looks=white(20), mark=(0, 0, 1, 1))),
    ]
    assert len(found) >= 6
    for risk in found:
        for language in ("en", "ja"):
            words = risk.words(language)
            assert all(words) and "{" not in "".join(words).replace("{steps", "")
        assert json.loads(json.dumps(risk.contents()))["code"] == risk.code
        assert risk.line().startswith("BEFORE YOU TRAIN: ")
    assert "100% of the captions" in risks.refusal(found)
