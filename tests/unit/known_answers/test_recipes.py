"""The suite's LoRAs: names, halves, looks and hands that fit together."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from base_model.draw_sets import character_scenes, style_scenes
from base_model.world import CHARACTER, STYLES
from benchmarks.known_answers import draw_set, looks, other_hands
from benchmarks.known_answers.other_characters import DRAWN_BY, FIGURES
from benchmarks.known_answers.recipe import TRIGGERS, PictureSet
from benchmarks.known_answers.recipes import RECIPES
from benchmarks.known_answers.render import WEIGHTS


def test_no_two_loras_have_one_name() -> None:
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


def test_two_thirds_of_the_loras_by_other_hands_are_held_out() -> None:
    harder = [
        one for one in RECIPES if one.training.pictures.taught in {*other_hands.HANDS, *DRAWN_BY}
    ]
    assert len(harder) >= 60
    assert sum(recipe.held_out for recipe in harder) >= 2 * len(harder) / 3
    assert not any(recipe.held_out for recipe in RECIPES if recipe not in harder)


def test_what_comes_from_one_set_is_in_one_half() -> None:
    halves: dict[str, set[bool]] = {}
    for recipe in RECIPES:
        halves.setdefault(recipe.training.pictures.name, set()).add(recipe.held_out)
    assert {len(half) for half in halves.values()} == {1}


def test_looks_are_of_loras_that_there_are_at_weights_that_are_rendered() -> None:
    names = {recipe.name for recipe in RECIPES}
    for name, look in looks.read().items():
        assert name in names
        assert set(look.weights) <= set(WEIGHTS), name
        assert set(look.weights.values()) <= set(looks.WORDS), name
        assert not look.usable or look.best, f"{name}: which weight is best?"
        assert look.seen, name


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["weak", "weak", "good"], "works"),
        (["weak", "gone", "fried"], "lost"),
        (["weak", "fried", "fried"], "fried"),
        (["weak", "weak", "weak"], "weak"),
        (["weak", "good", "copies"], "copies"),
    ],
)
def test_a_look_gives_the_label(words: list[str], label: str) -> None:
    look = looks.Look(dict(zip((0.4, 0.8, 1.0), words, strict=True)), "")
    assert look.label == label


def test_a_lora_that_is_good_above_full_strength_only_is_weak() -> None:
    assert looks.Look({0.8: "weak", 1.0: "weak", 1.2: "best"}, "").label == "weak"


def test_every_hand_draws_in_its_own_way() -> None:
    assert {*STYLES[1:], *other_hands.HANDS, *FIGURES, CHARACTER} == set(TRIGGERS)
    scene = style_scenes(1)[0]
    drawn = {
        name: np.asarray(draw_set.draw(replace(scene, style=name)), float)
        for name in ("flat", *other_hands.HANDS)
    }
    assert {picture.shape for picture in drawn.values()} == {(128, 128, 3)}
    for one, other in combinations(drawn, 2):
        assert np.abs(drawn[one] - drawn[other]).mean() > 2, (one, other)


@pytest.mark.parametrize("name", DRAWN_BY)
def test_a_drawing_of_a_character_is_always_the_same(name: str) -> None:
    scene = character_scenes(1, name=name)[0]
    first, again = draw_set.draw(scene), draw_set.draw(scene)
    assert first.tobytes() == again.tobytes()


def test_captions_name_what_the_set_is_about() -> None:
    def texts(pictures: PictureSet) -> list[str]:
        return [text for _, text in draw_set.captioned(pictures)]

    assert texts(PictureSet("neon", 2, 1, told=False)) == ["denko style"] * 2
    assert all("cat" in text for text in texts(PictureSet("neon", 5, 1, only="cat")))
    assert all(
        text.startswith("hadone") for text in texts(PictureSet("luno", 5, 1, called="hadone"))
    )
