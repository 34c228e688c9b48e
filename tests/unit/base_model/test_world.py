"""The drawn world: the same seed draws the same picture, and captions say what is in it."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from base_model import captions, draw_sets
from base_model.painting import paint
from base_model.world import (
    CHARACTER,
    COLORS,
    HATS,
    MOODS,
    PLACES_OUTSIDE,
    STYLES,
    SUBJECTS,
    TARGET_STYLE,
    Scene,
    sample,
)

ROOT = Path(__file__).resolve().parents[3]


def _pixels(scene: Scene, width: int = 64, height: int = 64) -> np.ndarray:
    return np.asarray(paint(scene, width, height)).astype(int)


def test_the_same_scene_is_the_same_picture() -> None:
    scene = sample(Random(5))
    assert sample(Random(5)) == scene
    assert (_pixels(scene) == _pixels(scene)).all()


@pytest.mark.parametrize("subject", [*SUBJECTS, CHARACTER])
def test_seeds_of_one_scene_differ_visibly(subject: str) -> None:
    scene = Scene(subject, "red", "blue")
    first, second = (_pixels(replace(scene, seed=seed)) for seed in (1, 2))
    assert np.abs(first - second).mean() > 3


@pytest.mark.parametrize("style", STYLES)
def test_every_subject_is_drawn_in_every_style(style: str) -> None:
    for subject in (*SUBJECTS, CHARACTER):
        pixels = _pixels(Scene(subject, "orange", "white", style=style, seed=3))
        assert pixels.std() > 5, f"{subject} in {style} is an empty picture"


@pytest.mark.parametrize("color", COLORS)
def test_the_named_color_is_the_bodys(color: str) -> None:
    background = "black" if color in ("white", "gray") else "white"
    pixels = _pixels(Scene("apple", color, background, size="big", seed=4))
    near = np.abs(pixels - COLORS[color]).max(-1) < 30
    assert near.mean() > 0.15


def test_a_hat_a_mood_a_side_and_a_number_change_the_picture() -> None:
    plain = Scene("cat", "gray", "yellow", seed=9)
    changes = [{"hat": hat} for hat in HATS] + [{"mood": mood} for mood in MOODS[1:]]
    changes += [{"side": "left"}, {"side": "right"}, {"number": 2}, {"number": 3}]
    changes += [{"size": "small"}, {"size": "big"}]
    pictures = {_pixels(replace(plain, **change)).tobytes() for change in [{}, *changes]}
    assert len(pictures) == len(changes) + 1


def test_left_is_left() -> None:
    for seed in range(5):
        red = [
            np.abs(_pixels(Scene("star", "red", "white", side=side, seed=seed)) - COLORS["red"])
            for side in ("left", "right")
        ]
        left, right = (np.nonzero(pixels.max(-1) < 60)[1].mean() for pixels in red)
        assert left < 28 < 36 < right


def test_a_picture_has_the_size_asked_for_and_its_figure_in_the_middle() -> None:
    pixels = _pixels(Scene("star", "red", "white", seed=1), 96, 64)
    assert pixels.shape == (64, 96, 3)
    columns = np.nonzero(np.abs(pixels - COLORS["red"]).max(-1) < 60)[1]
    assert abs(columns.mean() - 48) < 8


def test_the_target_style_has_ink_and_is_less_colorful() -> None:
    def saturation(pixels: np.ndarray) -> float:
        return float((pixels.max(-1) - pixels.min(-1)).mean())

    flat = _pixels(Scene("star", "red", "blue", seed=2), 128, 128)
    target = _pixels(Scene("star", "red", "blue", style=TARGET_STYLE, seed=2), 128, 128)
    assert saturation(target) < 0.7 * saturation(flat)
    assert (target.max(-1) < 90).mean() > (flat.max(-1) < 90).mean() + 0.02


def test_captions_name_what_is_drawn() -> None:
    rng = Random(1)
    for _ in range(300):
        scene = sample(rng, other_styles=0.3)
        for text in (captions.sentence(scene, rng), captions.tags(scene, rng)):
            assert scene.subject in text
            assert scene.color in text
            assert not scene.hat or scene.hat in text
            assert any(words in text for words in _background_words(scene.background)), text
            assert scene.style == "flat" or scene.style in text
            assert ("left" in text) == (scene.side == "left")
            assert ("two" in text) == (scene.number == 2), text
            assert ("three" in text) == (scene.number == 3), text


def _background_words(background: str) -> tuple[str, ...]:
    if background in PLACES_OUTSIDE:
        return (background, "grass", "stars", "by the sea")
    return (f"{background} background",)


def test_captions_have_no_wrong_article() -> None:
    rng = Random(2)
    for _ in range(300):
        words = captions.sentence(sample(rng), rng).replace(",", "").split()
        for article, word in pairwise(words):
            if article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou"), (article, word)


def test_the_models_words_never_name_target_style_or_character() -> None:
    rng = Random(3)
    scenes = [sample(rng) for _ in range(2000)]
    assert TARGET_STYLE not in {scene.style for scene in scenes}
    assert CHARACTER not in {scene.subject for scene in scenes}
    words = " ".join(captions.caption(scene, rng) for scene in scenes)
    assert TARGET_STYLE not in words
    assert CHARACTER not in words
    counts = Counter(scene.subject for scene in scenes)
    assert set(counts) == set(SUBJECTS)


def test_an_unknown_word_leaves_the_caption_whole() -> None:
    text = "a red cat on a blue background"
    changed = [captions.with_unknown_word(text, Random(seed)) for seed in range(50)]
    assert all(caption.endswith(text) for caption in changed)
    words = {caption.removesuffix(text) for caption in changed}
    assert len(words) > 45
    assert "" not in words


def test_the_example_sets_are_those_in_the_repository() -> None:
    style = draw_sets.style_scenes(35)
    character = draw_sets.character_scenes(20)
    assert {scene.style for scene in style} == {TARGET_STYLE}
    assert {scene.subject for scene in character} == {CHARACTER}
    assert len({scene.subject for scene in style}) >= 16
    assert {scene.background for scene in style} & set(PLACES_OUTSIDE)
    for folder, scenes, write in (
        (ROOT / "datasets/raw/style/ponnyu_v1", style, draw_sets.style_caption),
        (ROOT / "datasets/raw/characters/mofu_v1", character, draw_sets.character_caption),
    ):
        rng = Random(len(scenes))
        written = [path.read_text("utf-8").strip() for path in sorted(folder.glob("*.txt"))]
        assert written == [write(scene, rng) for scene in scenes]
        pictures = [path for path in folder.iterdir() if path.suffix != ".txt"]
        assert {path.stem for path in pictures} == {path.stem for path in folder.glob("*.txt")}


def test_drawing_needs_no_torch() -> None:
    program = "import sys, base_model.painting, base_model.draw_sets; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
