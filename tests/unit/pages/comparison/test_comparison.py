"""Runs side by side: how they are found, what differs, and what stands in the page."""

import re

import pytest

from lorabench import files
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.errors import UserError
from lorabench.pages import find_run, finished_run
from lorabench.pages.comparison import differences, grid, page, summary
from lorabench.pages.words import TEXTS
from lorabench.sweep import labels
from lorabench.sweep.variants import Variant
from tests import finished
from tests.loras import save_lora


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


def read(folder, *names):
    return [finished_run.read(folder / name) for name in names]


WORKS = Verdict("works", False, 0.8, [0.8], (0.4, 0.8))


def make_run(
    folder,
    name,
    prompts=("", "cat"),
    weights=(0.0, 0.4, 0.8),
    seeds=(1, 2),
    text="a cat",
    told=WORKS,
    pictures=("a.png", "b.png"),
    **given,
):
    """A run; its prompt called `None` is the trigger words alone, at the same weights and seeds."""
    variants = [
        Variant(one or "", f"{text} {one}", "trigger" if one is None else "", weights, seeds)
        for one in prompts
    ]
    asked = {"weights": weights, "seeds": seeds, "variants": variants, "trained_on": pictures}
    run, _ = finished.make_run(folder.parent, name, **asked, told=told, size=24, **given)
    return run


def values(found):
    return {one.name: one.values for one in found}


def test_a_run_is_found_by_its_id_and_by_its_folder(folder):
    made = [make_run(folder, name) for name in ("a-1", "b-2")]
    assert [one.folder for one in find_run.find(["a-1", str(made[1])], folder)] == made


def test_a_lora_file_is_found_by_what_benched_it(folder, tmp_path):
    given = save_lora(tmp_path / "ink.safetensors")
    with pytest.raises(UserError, match=r"is not benched yet; first run: .*--config lora="):
        find_run.find([str(given), "a"], folder)
    alone = make_run(folder, f"ink-{files.sha256(given)[:8]}")
    loras = finished.series(2, 4, 6)
    several = make_run(folder, "a-1", prompts=("", "cat"), loras=loras)
    kept = save_lora(several / "train" / loras[0].file)
    last = save_lora(several / "train" / loras[-1].file)
    words = [str(given), str(kept), str(last), "a-1"]
    places = find_run.find(words, folder)
    assert places == [(alone, None), (several, loras[0].key), (several, ""), (several, None)]
    runs = [finished_run.read(place.folder, lora=place.lora) for place in places[1:]]
    assert [run.name for run in runs] == ["a-1 epoch 2", "a-1 epoch 6", "a-1"]
    assert {picture.lora for picture in runs[0].pictures if picture.weight} == {loras[0].key}
    assert runs[0].verdict.label == "weak" and runs[2].verdict.label == "works"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ponnyu-11111111"], "give another run besides ponnyu-11111111; there are: mofu-2"),
        (["ponnyu-11111111", "ponnyu-11111111"], "named twice"),
        (["ponnyu-11111112", "mofu-2"], "did you mean ponnyu-11111111"),
        (["mofu", "ponnyu-11111111"], "did you mean mofu-2"),
        (["xyz", "mofu-2"], "there are: mofu-2, ponnyu-11111111"),
        (["mofu-2,ponnyu-11111111"], "blanks between them"),
        (["mofu-2", "comparison.html"], "--output comparison.html"),
    ],
)
def test_what_names_no_two_runs_is_said(folder, words, message):
    make_run(folder, "ponnyu-11111111")
    make_run(folder, "mofu-2")
    with pytest.raises(UserError, match=re.escape(message)):
        find_run.find(words, folder)


def test_a_file_of_a_run_is_told_from_the_run(folder):
    made = make_run(folder, "a-1")
    for path in ("run.yaml", "bench", "bench/w0.40/seed1_00.png"):
        with pytest.raises(UserError, match=r"lies in a run; name the run itself, a-1\."):
            find_run.find([str(made / path), "b"], folder)


def test_pictures_of_an_earlier_sweep_are_left_out(folder):
    made = make_run(folder, "a", prompts=("",), weights=(0.0, 0.4, 0.8), seeds=(1,))
    assert finished_run.read(made).weights == [0.0, 0.4, 0.8]
    table = made / "bench" / "metrics.csv"
    kept = [row for row in table.read_text().splitlines() if "w0.40/" not in row]
    table.write_text("".join(f"{row}\n" for row in kept))
    (made / "bench" / "w0.80" / "seed1_00.png").unlink()
    assert finished_run.read(made).weights == [0.0]


def test_a_damaged_summary_is_named(folder):
    made = make_run(folder, "a")
    (made / "bench" / "summary.csv").write_text("weight,ssim,ssim_low\n0.4,much,0.1\n")
    with pytest.raises(UserError, match=r"summary\.csv: .*line 2: ssim should be a number"):
        finished_run.read(made)


def test_only_what_differs_is_told(folder):
    make_run(folder, "a")
    make_run(folder, "b", train={"rank": 4, "seed": 7}, weights=(0.0, 0.8))
    found = values(differences.settings(read(folder, "a", "b")))
    assert found == {
        "train.rank": ["16", "4"],
        "train.seed": ["42", "7"],
        "weights": ["0.4, 0.8", "0.8"],
    }


def test_equal_runs_differ_in_nothing(folder):
    make_run(folder, "a")
    make_run(folder, "b")
    two = read(folder, "a", "b")
    assert differences.settings(two) == [] == differences.notes(two)
    assert "nothing in data or settings" in "\n".join(summary.lines(two))


def test_pictures_are_compared_by_digest_with_the_first_run(folder):
    make_run(folder, "a", pictures=("a.png", "b.png"))
    make_run(folder, "b", pictures=("b.png", "c.png", "d.png"))
    first, second = differences.pictures(read(folder, "a", "b"))
    assert not first.added and not first.removed and first.number == 2
    assert sorted(second.added.values()) == ["c.png", "d.png"]
    assert list(second.removed.values()) == ["a.png"]
    assert re.fullmatch(r"c\.png \([0-9a-f]{8}\), d\.png \([0-9a-f]{8}\)",
                        differences.named(second.added))  # fmt: skip


def test_of_many_pictures_a_dozen_is_named():
    named = differences.named({f"{n:064x}": f"{n:02}.png" for n in range(20)})
    assert named.count(".png") == 12 and named.endswith("+ 8")


@pytest.mark.parametrize(
    ("other", "notes"),
    [
        ({"base": "another"}, ["runs.other_base"]),
        ({"seeds": (1, 2, 3)}, ["runs.other_sweep"]),
        ({"prompts": ("",)}, ["runs.other_sweep"]),
        ({"text": "a dog"}, ["runs.other_sweep"]),
        ({"weights": (0.0, 0.4)}, []),
    ],
)
def test_how_far_runs_can_be_compared_is_said(folder, other, notes):
    make_run(folder, "a")
    make_run(folder, "b", **other)
    assert [note for note, _ in differences.notes(read(folder, "a", "b"))] == notes


def only_benched(folder, name):
    """A run of a LoRA from elsewhere: nothing is recorded of its training."""
    told = Verdict("uncertain", unknown=[Finding("no_training_set")])
    made = make_run(folder, name, told=told)
    for file in ("run.yaml", "preprocess_log.csv"):
        (made / file).unlink()


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_what_is_not_recorded_is_not_different(folder, names):
    make_run(folder, "a")
    only_benched(folder, "b")
    two = read(folder, *names)
    assert differences.notes(two) == [("runs.only_benched", {"runs": "b"})]
    assert differences.settings(two) == []
    assert not any(one.added or one.removed for one in differences.pictures(two))
    said = "\n".join(summary.lines(two))
    assert "nothing in data or settings" in said
    assert "not judged (there is no training set to compare with)" in said


def test_a_prompt_that_only_one_run_has_is_told_by_the_list_of_prompts(folder):
    make_run(folder, "a")
    make_run(folder, "b", prompts=("",))
    assert values(differences.settings(read(folder, "a", "b"))) == {"prompts": ["own, cat", "own"]}


def test_what_was_not_judged_is_no_dash_and_no_recommendation(folder, tmp_path):
    weak = Verdict("weak", None, None)
    make_run(folder, "a", prompts=("", None), weights=(0.0, 0.5), told=weak)
    only_benched(folder, "b")
    two = read(folder, "a", "b")
    window = next(line for line in summary.lines(two) if line.startswith("usable window"))
    assert window.split("  ")[-1] == "not judged" and " none " in window
    page.write(two, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert TEXTS["runs.each_best"][0] not in html
    for said in (
        TEXTS["runs.each_nearest"][0],
        f"{TEXTS['runs.fallback'][1]}</span> <span",
        "4 pictures: 1 prompt, 2 seeds, 1 weight and no LoRA</span>",
        "; 4 probes</span>",
    ):
        assert said in html


def test_metrics_that_do_not_decide_are_folded(folder, tmp_path):
    for name in "ab":
        make_run(folder, name)
    page.write(read(folder, "a", "b"), tmp_path / "page.html")
    main, others = (tmp_path / "page.html").read_text().split("All other metrics (")
    assert main.count("data-curves=") < others.count("data-curves=") == int(others.split(")")[0])


def test_runs_that_were_trained_are_compared_beside_one_that_was_not(folder):
    make_run(folder, "a")
    only_benched(folder, "b")
    make_run(folder, "c", train={"rank": 4}, pictures=("a.png",))
    three = read(folder, "a", "b", "c")
    assert values(differences.settings(three))["train.rank"] == ["16", "–", "4"]
    assert [one.number for one in differences.pictures(three)] == [2, 0, 1]
    assert "not recorded" in "\n".join(summary.lines(three))


def test_the_rows_are_the_prompts_and_seeds_that_all_share(folder):
    make_run(folder, "a", prompts=("", "cat", "fish"), seeds=(1, 2))
    make_run(folder, "b", prompts=("", "fish"), seeds=(2, 3), weights=(0.0, 0.8, 1.0))
    laid = grid.lay_out(read(folder, "a", "b"))
    assert [row.place for row in laid.rows] == [("", 2, 0), ("prompt-fish", 2, 0)]
    assert laid.weights == [0.0, 0.8] and laid.shared
    assert all(row.one_text for row in laid.rows)


def test_runs_that_share_no_weight_are_shown_at_all_of_them(folder):
    make_run(folder, "a", weights=(0.0, 0.4))
    make_run(folder, "b", weights=(0.0, 1.0))
    laid = grid.lay_out(read(folder, "a", "b"))
    assert laid.weights == [0.0, 0.4, 1.0] and not laid.shared


def test_the_weight_shown_first_is_the_recommended_one_if_it_was_rendered(folder):
    make_run(folder, "a", told=Verdict("works", None, 0.4))
    make_run(folder, "b", told=Verdict("works", None, 0.5))
    make_run(folder, "c", told=None, weights=(0.0, 0.7, 0.9))
    own = Variant("", "a cat", "", (0.0, 0.4), (1,))
    alone = Variant("", "s", "trigger", (0.0, 0.8), (1,))
    finished.make_run(folder.parent, "d", variants=[own, alone], told=None, size=8)
    assert read(folder, "d")[0].shown == 0.4, "the trigger words alone are no benchmark"
    one, two, three = read(folder, "a", "b", "c")
    assert (one.best, one.shown) == (0.4, 0.4)
    assert (two.best, two.shown) == (None, 0.8)
    assert (three.best, three.shown) == (None, 0.7)


def test_the_page_is_one_file_in_two_languages_without_addresses(folder, tmp_path):
    make_run(folder, "a", prompts=("", "cat", None))
    make_run(folder, "b<i>", prompts=("", "cat", None), train={"rank": 4})
    path = tmp_path / "page.html"
    page.write(read(folder, "a", "b<i>"), path)
    html = path.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', html) and "http" not in html.replace(
        "http://www.w3.org/2000/svg", ""
    )
    assert "b&lt;i&gt;" in html and "b<i>" not in html
    assert html.count('src="data:image/webp;base64,') == 2 * 3 * 2 * 3  # runs prompts seeds weights
    for english, japanese in (TEXTS["runs.title"], TEXTS["verdict.weight"], labels._ALONE):
        assert f'<span lang="en">{english}' in html and f'<span lang="ja">{japanese}' in html


def test_a_page_of_runs_with_little_says_what_is_missing(folder, tmp_path):
    make_run(folder, "a", told=None, measured=False)
    make_run(folder, "b", told=None, measured=False, seeds=(9,))
    (folder / "a" / "run.yaml").unlink()
    (folder / "a" / "preprocess_log.csv").unlink()
    path = tmp_path / "page.html"
    page.write(read(folder, "a", "b"), path)
    html = path.read_text(encoding="utf-8")
    for key in ("no_verdict", "no_shared_rows", "no_metrics", "not_recorded"):
        assert TEXTS[f"runs.{key}"][0] in html


def test_of_very_many_pictures_the_weights_around_the_best_are_kept(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_PICTURES", 16)
    weights = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    for name in "ab":
        make_run(folder, name, prompts=("",), weights=weights)
    path = tmp_path / "page.html"
    page.write(read(folder, "a", "b"), path)
    stops = re.findall(r'<span data-stop="(.+?)"', path.read_text(encoding="utf-8"))
    assert stops == ["0.40", "0.60", "own", "1.00"]


@pytest.mark.parametrize(
    ("best", "stops", "said"),
    [
        ((0.4, 0.4), ["0.00", "own", "0.80"], "each at its recommended weight</span>"),
        ((0.8, 0.4), ["0.00", "0.40", "own", "0.80"], "0.80 · 0.40</span>"),
        ((None, None), ["0.00", "0.40", "own"], "nearest to 0.80</span>"),
    ],
)
def test_the_slider_starts_at_the_weights_shown_and_names_them(folder, tmp_path, best, stops, said):
    for name, weight in zip("ab", best, strict=True):
        make_run(folder, name, told=Verdict("uncertain", None, weight))
    path = tmp_path / "page.html"
    page.write(read(folder, "a", "b"), path)
    html = path.read_text(encoding="utf-8")
    assert re.findall(r'<span data-stop="(.+?)"', html) == stops
    assert f'max="{len(stops) - 1}" value="{stops.index("own")}"' in html
    assert said in html


def test_the_reasons_stand_beside_what_was_not_judged(folder, tmp_path):
    outside = Finding("off_range", 0.6, 0.05, 0.03)
    for name in "ab":
        make_run(folder, name, told=Verdict("uncertain", None, None, reasons=[outside],
                                            unknown=[Finding("no_untriggered")]))  # fmt: skip
    path = tmp_path / "page.html"
    page.write(read(folder, "a", "b"), path)
    html = path.read_text(encoding="utf-8")
    assert html.count("at 0.60, 5% of what was measured lies outside") == 2
    assert html.count('Not judged</span><span lang="ja">判定できなかった点</span>: ') == 2
