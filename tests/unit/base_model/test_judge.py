"""The judge tells drawings apart, and the evaluation says honestly what it found."""

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from base_model import drawings, goals, judge, measures, write_card
from base_model.contact_sheet import draw_sheet
from base_model.draw_sets import character_scenes, style_scenes
from base_model.evaluate import training_seconds, write
from base_model.judge import HEADS, NONE, Judge
from base_model.train_judge import accuracy, soften, unseen
from base_model.world import CHARACTER, TARGET_STYLE, Scene, held_out

STORED = Path(__file__).resolve().parents[3] / "base_model" / "judge"
GOOD = {
    **dict.fromkeys(goals.ROWS, 0.97),
    **{"psnr flat": 33.0, "psnr ponnyu": 30.0, "psnr all": 31.0},
    **{"style 0.0": 0.01, "style 0.4": 0.5, "seconds a picture": 0.4, "seconds of training": 90},
}


class DrawingRenderer:
    """Draws the scenes it is given where a Renderer would generate; weight 0.5 is the style."""

    def __init__(self, scenes: Sequence[Scene], seeds_differ: bool = True) -> None:
        self.scenes = scenes
        self.seeds_differ = seeds_differ
        self.weight = 0.0

    def render(self, texts: Sequence[str], seeds: Sequence[int], doing: str) -> torch.Tensor:
        assert len(texts) == len(seeds), doing
        times = len(texts) // len(self.scenes)
        shown = [scene for scene in self.scenes for _ in range(times)]
        style = TARGET_STYLE if self.weight > 0.5 else "flat"
        return drawings.pictures(
            [
                replace(scene, style=style, seed=1000 + seed if self.seeds_differ else 5)
                for scene, seed in zip(shown, seeds, strict=True)
            ]
        )

    @contextmanager
    def lora(self, path: Path) -> Iterator[None]:
        yield
        self.weight = 0.0

    def strength(self, weight: float) -> None:
        self.weight = weight


@pytest.fixture(scope="module")
def stored() -> Judge:
    return judge.load(STORED)


@pytest.mark.parametrize("size", [(128, 128), (96, 160)])
def test_the_judge_scores_every_value_of_every_head(size: tuple[int, int]) -> None:
    scores = Judge().eval()(torch.zeros(2, 3, *size))
    assert {name: tuple(s.shape) for name, s in scores.items()} == {
        name: (2, len(values)) for name, values in HEADS.items()
    }


def test_labels_are_what_the_scene_says_and_the_character_has_no_color() -> None:
    scenes = [Scene("cat", "red", "snow", style="chalk"), Scene(CHARACTER, "red", "blue")]
    found = judge.labels(scenes)
    assert [HEADS[name][found[name][0]] for name in HEADS] == ["cat", "red", "snow", "chalk"]
    assert found["color"][1] == NONE
    assert HEADS["subject"][found["subject"][1]] == CHARACTER


def test_a_saved_judge_judges_as_before(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Judge().eval()
    judge.save(network, tmp_path)
    pictures = drawings.pictures(drawings.scenes(4, 1))
    before, after = (j(judge.as_input(pictures)) for j in (network, judge.load(tmp_path)))
    for name in HEADS:
        assert torch.allclose(before[name], after[name], atol=0.01)


def test_the_stored_judge_is_small_and_right_on_fresh_drawings(stored: Judge) -> None:
    assert (STORED / judge.WEIGHTS).stat().st_size < 1_500_000
    right = accuracy(stored, unseen("flat", 60))
    assert right["subject"] > 0.9
    assert right["color"] > 0.9
    assert right["background"] > 0.9
    assert right[TARGET_STYLE] > 0.98
    assert accuracy(stored, unseen(TARGET_STYLE, 60))[TARGET_STYLE] > 0.95


def test_softened_pictures_are_the_same_ones_a_little_off() -> None:
    x = judge.as_input(drawings.pictures(drawings.scenes(8, 2)))
    once, again = (soften(x, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(once, again)
    assert once.shape == x.shape
    assert 0.001 < (once - x).abs().mean() < 0.15
    assert not torch.equal(once, soften(x, torch.Generator().manual_seed(4)))


def test_prompts_are_unseen_by_the_unet_and_by_the_style_set() -> None:
    prompts = measures.unseen_prompts(200)
    known = {(s.subject, s.color, s.background) for s in style_scenes(35)}
    assert len(prompts.scenes) == len(prompts.texts) == 200
    for scene, text in zip(*prompts, strict=True):
        assert held_out(scene)
        assert (scene.number, scene.style) == (1, "flat")
        assert (scene.subject, scene.color, scene.background) not in known
        assert scene.subject in text
    assert measures.unseen_prompts(50) == prompts.first(50)


def test_the_characters_prompts_are_not_those_of_its_set() -> None:
    prompts = measures.character_prompts(50)
    known = {replace(scene, seed=0) for scene in character_scenes(20)}
    assert not known & {replace(scene, seed=0) for scene in prompts.scenes}
    assert all(text.startswith(f"{CHARACTER}, ") for text in prompts.texts)


def test_unknown_words_stand_before_the_same_prompts() -> None:
    prompts = measures.unseen_prompts(40)
    strange = measures.behind_unknown_words(prompts)
    pairs = list(zip(prompts.texts, strange.texts, strict=True))
    assert all(text.endswith(plain) and text != plain for plain, text in pairs)
    assert any(text.startswith(f"{TARGET_STYLE} style, ") for text in strange.texts)


def test_seeds_that_differ_as_drawings_do_are_fully_diverse_and_equal_ones_not_at_all() -> None:
    prompts = measures.unseen_prompts(4)
    fresh = measures.diversity(DrawingRenderer(prompts.scenes), prompts)
    same = measures.diversity(DrawingRenderer(prompts.scenes, seeds_differ=False), prompts)
    assert 0.8 < fresh < 1.25
    assert same == 0


def test_a_style_that_comes_with_the_weight_is_seen_to(stored: Judge) -> None:
    prompts = measures.unseen_prompts(12)
    figures, pictures = measures.style(
        DrawingRenderer(prompts.scenes), stored, Path("lora"), prompts
    )
    assert figures["style 0.0"] == figures["style 0.4"] == 0
    assert figures["style 0.8"] == figures["style 1.0"] == 1
    assert figures["style subject 0.8"] > 0.8
    assert list(pictures) == list(goals.STRENGTHS)


def test_another_scenes_picture_does_not_follow_the_prompt(stored: Judge) -> None:
    scene = Scene("cat", "red", "blue", seed=1)
    prompts = measures.Prompts([scene, replace(scene, subject="car", background="white")], ["", ""])
    followed = measures.prompts_followed(stored, prompts, drawings.pictures([scene, scene]))
    assert followed == {"subject": 0.5, "color": 1.0, "background": 0.5}


def test_what_is_good_is_not_marked_and_what_is_missed_is() -> None:
    assert "missed" not in goals.table(GOOD)
    misses = {
        **{"psnr ponnyu": 29.9, "subject": 0.94, "subject unknown": 0.9, "style 0.0": 0.04},
        **{"style 0.4": 0.99, "seconds a picture": 1.1, "diversity": 0.69},
    }
    for key, value in misses.items():
        lines = goals.table(GOOD | {key: value}).splitlines()[2:]
        line = lines[list(goals.ROWS).index(key)]
        assert line.endswith(", **missed** |"), line


def test_what_was_not_measured_is_said_to_be() -> None:
    text = goals.table({"subject": 0.96, "subject unknown": 0.95, "style 0.4": 0.5})
    assert "96.0 %" in text
    assert text.count("not measured") == len(goals.ROWS) - 2
    assert "missed" not in text


def test_the_evaluation_is_written_as_figures_and_as_a_table(tmp_path: Path) -> None:
    right = {"flat": {"subject": 0.991, "color": 0.98}}
    output = tmp_path / "evaluation.json"
    write(output, GOOD, {"prompts": 500, "threads": 2}, right)
    assert json.loads(output.read_text())["figures"] == GOOD
    text = output.with_suffix(".md").read_text()
    assert "500 unseen prompts" in text
    assert "subject 99.1 %" in text
    assert goals.table(GOOD) in text


def test_the_training_took_what_the_last_row_says(tmp_path: Path) -> None:
    log = tmp_path / "train_log.csv"
    log.write_text("step,epoch,loss,lr,seconds\n1,1,0.5,0.1,0.20\n2,1,0.4,0.1,91.25\n")
    assert training_seconds(log) == 91.25


def test_strips_of_a_sheet_stand_side_by_side_until_the_line_is_full() -> None:
    red, blue = (Image.new("RGB", (128, 128), color) for color in ("red", "blue"))
    sheet = draw_sheet([("one", [red]), ("two", [blue, blue]), ("three", [red, blue])], 4)
    width, height = 132, 180
    assert sheet.size == (4 * width, 2 * height)
    corners = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]
    seen = [sheet.getpixel((x * width + 64, y * height + 100)) for x, y in corners]
    r, b, w = (255, 0, 0), (0, 0, 255), (255, 255, 255)
    assert seen == [r, b, b, w, r, b]


def test_the_card_takes_the_table_in(tmp_path):
    card, table = tmp_path / "card.md", tmp_path / "table.md"
    card.write_text(f"before\n\n{write_card.MARK}\n\nafter\n")
    table.write_text("| figure |\n")
    write_card.program(Namespace(card=card, table=table, output=tmp_path / "README.md"))
    assert (tmp_path / "README.md").read_text() == "before\n\n| figure |\n\nafter\n"
