"""The page on a run as a reader uses it: by mouse, by keyboard, on a phone, in two languages."""

import csv
import io
import json
import shutil

import pytest
from PIL import Image

from lorabench.bench.measures.columns import METRICS
from lorabench.report.build import build
from tests.browser.conftest import PHONE
from tests.pictures import close
from tests.results import SUBJECTS, WEIGHTS, add_fault, make_run

SECTIONS = (
    "verdict",
    "grid",
    "compare",
    "blind",
    "plots",
    "copies",
    "train",
    "rejected",
    "settings",
)


def seen(page, selector):
    """Wait until an image shows its picture, and return its source."""
    image = page.locator(selector)
    image.wait_for(state="attached")
    image.evaluate("image => image.scrollIntoView({ block: 'center' })")
    page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
    return image.get_attribute("src")


def chosen(page):
    """The weight, or what else stands in the label, of the cell that has the focus."""
    return page.evaluate("document.activeElement.ariaLabel")


def pixels(page, selector, x):
    """The middle of an element at `x` (0 to 1) as it is drawn on the screen."""
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    return picture.getpixel((round(x * (picture.width - 1)), picture.height // 4))


def test_the_verdict_stands_on_top(visit, report):
    page = visit(report)
    text = page.locator("#verdict").inner_text()
    for words in ("works", "0.80", "0.60 · 0.80", "0.40 to 0.80", "it leaks"):
        assert words in text
    assert "t 0.20 only 21% of the way to the training set (needed: 40%)" in text
    assert "31% of what was measured lies outside" in text
    ruler = page.locator(".ruler li").all_inner_texts()
    assert [text.split()[0] for text in ruler] == [f"{weight:.2f}" for weight in WEIGHTS]
    assert "recommended" in ruler[4]
    assert page.locator("#verdict").bounding_box()["y"] < 300


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
def test_it_fits_its_window(visit, report, options, language):
    page = visit(report, locale=language, **options)
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for section in SECTIONS:
        assert page.locator(f"#{section} h2").is_visible()
    page.locator(".cell").nth(2).click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("#zoom").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.viewport_size["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_dark_where_the_system_is(visit, report, scheme):
    page = visit(report, color_scheme=scheme)
    assert (sum(pixels(page, ".top", 0.5)) < 200) == (scheme == "dark")


def test_the_language_follows_the_browser_and_is_remembered(visit, report):
    page = visit(report, locale="ja-JP")
    heading = page.locator("#verdict h2")
    assert heading.inner_text() == "判定"
    page.get_by_role("button", name="English").click()
    assert heading.inner_text() == "Verdict"
    assert page.locator("#grid-prompt option").first.inner_text() == "All prompts"
    page.reload()
    assert heading.inner_text() == "Verdict"


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
def test_every_word_is_in_the_chosen_language(visit, report, language):
    page = visit(report, locale=language)
    english = language == "en-US"
    for selector in ("h2", "h3", "summary", "dt", "legend", ".controls button", "nav a"):
        for text in page.locator(f"{selector} >> visible=true").all_inner_texts():
            if text not in ("A", "B", "日本語", "English"):
                assert text.isascii() == english, text


def test_the_grid_has_every_picture_of_the_sweep(visit, report):
    page = visit(report)
    assert page.locator("#grid thead th").all_inner_texts()[1:] == [
        "0.00\nno LoRA",
        *(f"{weight:.2f}" for weight in WEIGHTS[1:]),
    ]
    assert page.locator("#grid tbody tr").count() == 4
    cells = page.locator("#grid .cell img")
    assert cells.count() == 4 * len(WEIGHTS)
    sources = {seen(page, f"#grid .cell >> nth={at} >> img") for at in range(cells.count())}
    assert len(sources) == cells.count()
    page.locator("#grid-prompt").select_option(label="trigger words alone")
    assert page.locator("#grid tbody tr").count() == 4  # seeds of the quick probe


def test_pictures_out_of_view_are_not_decoded(visit, tmp_path):
    run, dataset = make_run(tmp_path, prompts=8, seeds=range(4), size=32)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    seen(page, ".cell >> nth=0 >> img")
    loaded = page.locator(".cell img[src]").count()
    assert 0 < loaded < 8 * 4 * len(WEIGHTS) / 2


def test_the_slider_shows_one_weight_by_keyboard(visit, report):
    page = visit(report)
    page.get_by_role("button", name="One weight").press("Enter")
    slider = page.get_by_role("slider", name="Weight").first
    assert slider.get_attribute("aria-valuetext") == "0.80"
    assert page.locator("#grid tbody tr").count() == 2
    before = seen(page, ".cell >> nth=0 >> img")
    slider.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.cell img').src !== before", arg=before
    )
    labels = page.locator(".cell").evaluate_all("cells => cells.map((cell) => cell.ariaLabel)")
    assert len(labels) == 4
    assert all(label.endswith("weight 1.00") for label in labels)
    slider.press("Home")
    assert page.locator("#grid-slider output").inner_text() == "0.00"


def test_arrows_move_in_the_grid_and_letters_place(visit, report):
    page = visit(report)
    page.locator(".cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "workflow's prompt, seed 2, weight 0.40"
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    assert page.locator("#compare .a img").get_attribute("alt") == (
        "A: workflow's prompt, seed 2, weight 0.40"
    )
    assert page.locator("#compare .b img").get_attribute("alt") == (
        "B: workflow's prompt, seed 2, weight 0.60"
    )
    assert "is now side B" in page.locator("#compare-said").inner_text()
    page.keyboard.press("Tab")
    assert not chosen(page), "the grid is one stop of the tabulator"


def test_any_two_pictures_are_compared(visit, report):
    page = visit(report)
    assert seen(page, "#compare .a img") != seen(page, "#compare .b img")
    left, right = page.locator("fieldset").all()
    left.get_by_label("Prompt").select_option(label="lighthouse")
    assert right.get_by_label("Prompt").input_value() == left.get_by_label("Prompt").input_value()
    page.locator("#compare-linked").uncheck()
    right.get_by_label("Prompt").select_option(label="workflow's prompt")
    right.get_by_label("Seed").select_option(label="2")
    right.get_by_label("Weight").press("End")
    assert page.locator("#compare .a img").get_attribute("alt").startswith("A: lighthouse, seed 1")
    assert page.locator("#compare .b img").get_attribute("alt") == (
        "B: workflow's prompt, seed 2, weight 1.00"
    )


def test_the_wipe_moves_by_keyboard_and_by_pointer(visit, report):
    page = visit(report)
    page.locator("#compare-linked").uncheck()
    page.locator("fieldset").nth(1).get_by_label("Seed").select_option(label="2")
    seen(page, "#compare .a img"), seen(page, "#compare .b img")
    page.get_by_role("button", name="Wipe").press("Enter")
    of_a, of_b = pixels(page, "#compare-stage", 0.25), pixels(page, "#compare-stage", 0.75)
    assert not close(of_a, of_b)
    divider = page.get_by_role("slider", name="Where A ends and B begins")
    divider.press("End")
    assert close(pixels(page, "#compare-stage", 0.75), of_a)
    divider.press("Home")
    assert close(pixels(page, "#compare-stage", 0.75), of_b)
    assert not close(pixels(page, "#compare-stage", 0.25), of_a)
    box = page.locator("#compare-stage .b").bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 40)
    assert divider.input_value() == "60"


def test_a_picture_is_enlarged_with_its_data(visit, report):
    page = visit(report)
    page.locator(".cell").nth(3).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert (
        dialog.get_by_role("heading", level=2).inner_text()
        == "workflow's prompt, seed 1, weight 0.60"
    )
    first = seen(page, "#zoom-image")
    text = dialog.inner_text()
    row = next(row for row in _table(report) if row["file"] == "w0.60/seed1_00.png")
    for words in (f"ponnyu style, a {SUBJECTS[0]}", "bench/w0.60/seed1_00.png", "style gained"):
        assert words in text
    assert f"{float(row['ssim']):.3g}" in text
    assert row["nearest"].rsplit("/")[-1] in text
    assert seen(page, ".nearest img") != first
    mirrored = page.locator(".nearest img").get_attribute("class") == "mirrored"
    assert mirrored == (row["nearest_mirrored"] == "True")
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Open the original").click()
    assert opened.value.url == (report.parent / "bench" / "w0.60" / "seed1_00.png").as_uri()
    assert opened.value.evaluate("document.images[0].naturalWidth") == 64
    opened.value.close()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert (
        dialog.get_by_role("heading", level=2).inner_text()
        == "workflow's prompt, seed 2, weight 0.80"
    )
    assert seen(page, "#zoom-image") != first
    page.get_by_role("button", name="Compare as A").click()
    assert "seed 2, weight 0.80" in page.locator("#compare .a img").get_attribute("alt")
    page.locator(".cell").nth(3).press("Enter")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert chosen(page) == "workflow's prompt, seed 1, weight 0.60", "the focus is back"


def test_votes_are_blind_kept_and_exported(visit, report):
    page = visit(report)
    page.locator("#blind-start").press("Enter")
    dialog = page.locator("#blind-dialog")
    words = dialog.evaluate("dialog => dialog.outerHTML.replace(/base64,[^\"]*/g, '')")
    assert not any(f"{weight:.2f}" in words or f"w{weight}" in words for weight in WEIGHTS)
    pairs = []
    for at, key in enumerate(["ArrowLeft", "ArrowRight", "ArrowDown"], start=1):
        pairs.append((seen(page, ".pair img >> nth=0"), seen(page, ".pair img >> nth=1")))
        page.keyboard.press(key)
        assert page.locator("#blind-counter").inner_text() == f"{at} of 40 voted"
    assert page.locator("#blind-counter").get_attribute("aria-live") == "polite"
    assert len({frozenset(pair) for pair in pairs}) == 3
    assert all(left != right for left, right in pairs)
    page.locator(".votes").get_by_role("button", name="Tie").click()
    page.keyboard.press("Escape")
    assert sum(int(text) for text in page.locator("#blind-result td").all_inner_texts()[1::4]) == 4
    page.reload()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as JSON").click()
    content = json.loads(saved.value.path().read_text())
    assert [vote["vote"] for vote in content["votes"]] == ["left", "right", "tie", "tie"]
    assert content["run"] in saved.value.suggested_filename
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text().splitlines()))
    assert [row["vote"] for row in rows] == ["left", "right", "tie", "tie"]
    for row, (left, right) in zip(rows, pairs, strict=False):
        assert row["left_weight"] != row["right_weight"]
        assert f"w{float(row['left_weight']):.2f}/" in row["left_file"]
        assert _embedded(page, row["left_file"]) == left
        assert _embedded(page, row["right_file"]) == right
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Delete the votes").click()
    assert page.locator("#blind-result").inner_text() == ""


def test_plots_are_drawn_and_told(visit, report):
    page = visit(report, **PHONE)
    charts = page.locator("#plots-main svg")
    page.locator("#plots").scroll_into_view_if_needed()
    charts.first.wait_for()
    first = [metric for metric in METRICS if metric.group != "picture"]
    others = 3  # diversity, and the embedding's two
    assert charts.count() == len(first) + others
    label = charts.first.get_attribute("aria-label")
    assert label.startswith("style gained. 0.20: ")
    assert page.locator("#plots-main .window").count() == len(first) + others
    labels = page.locator("#plots-trade .strong").all_text_contents()
    assert labels == [f"{weight:.2f}" for weight in WEIGHTS[1:]]
    assert "380 steps" in page.locator("#train-loss svg").get_attribute("aria-label")
    page.get_by_text("As a table").click()
    assert page.locator("#plots-table tbody tr").count() == len(WEIGHTS)


def test_what_the_trigger_alone_draws_stands_beside_its_nearest_training_picture(visit, report):
    page = visit(report)
    rows = [row for row in _table(report) if row["file"].startswith("trigger/w0.80/")]
    rows.sort(key=lambda row: -float(row["copy_similarity"]))
    pairs = page.locator("#copies li")
    assert pairs.count() == len(rows) == 4
    for at, row in enumerate(rows):
        drawn, training = (f"#copies li >> nth={at} >> img >> nth={side}" for side in (0, 1))
        assert seen(page, drawn) == _embedded(page, f"bench/{row['file']}")
        assert seen(page, training) == seen(page, f"#train .wall img >> nth={_place(row)}")
        mirrored = page.locator(training).get_attribute("class") == "mirrored"
        assert mirrored == (row["nearest_mirrored"] == "True")
        text = pairs.nth(at).inner_text()
        assert (
            f"{float(row['copy_similarity']):.2f}" in text and f"seed {row['seed']}" in text.lower()
        )
        assert ("mirrored" in text) == mirrored


def test_without_the_trigger_alone_that_is_said(visit, tmp_path):
    run, dataset = make_run(tmp_path, probes=False)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html", locale="ja-JP")
    assert "probe=full" in page.locator("#copies").inner_text()
    assert page.locator("#copies img").count() == 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en-US",
            (
                "weight 0.2: all 2 pictures are",
                "(to the bit)",
                "too small: 32×40",
                "same picture as",
            ),
        ),
        (
            "ja-JP",
            ("重み 0.2: 画像 2 枚すべてが", "完全に同じ", "32×40(短辺は 64 以上", "と同じ画像です"),
        ),
    ],
)
def test_warnings_and_reasons_are_in_the_chosen_language(visit, tmp_path, language, words):
    run, dataset = make_run(tmp_path)
    add_fault(run, 0.2)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html", locale=language)
    text = page.locator(".alarm").inner_text() + page.locator("#rejected").inner_text()
    assert [part for part in words if part not in text] == []


def test_rejected_pictures_settings_and_the_command(visit, report):
    page = visit(report)
    text = page.locator("#rejected").inner_text()
    for words in ("3 of 4", "too small", "小さい/小さすぎる.png", "same picture as ponnyu_01.png"):
        assert words in text
    seen(page, "#rejected img >> nth=0")
    command = page.locator(".command").inner_text()
    assert command.startswith("uv run snakemake --cores 1 --config raw_set=ponnyu_v1 ")
    page.get_by_text("What went in").click()
    assert "train.unet_lr" in page.locator("#settings").inner_text()


def test_a_run_without_its_bench_still_opens(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    shutil.rmtree(run / "bench")
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    assert "There is no verdict" in page.locator("#verdict").inner_text()
    assert "verdict.json" in page.locator(".missing").text_content()
    for section in ("grid", "compare"):
        assert "There are no pictures." in page.locator(f"#{section}").inner_text()
    assert page.locator("#train-loss svg").count() == 1


def test_warnings_and_missing_pictures_are_told(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    add_fault(run, 0.2)
    (run / "bench" / "w0.40" / "seed1_00.png").unlink()
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    assert "Dead LoRA" in page.locator(".alarm").inner_text()
    assert page.locator(".cell.gone").all_inner_texts() == ["missing"]
    page.locator(".cell").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert chosen(page) == "workflow's prompt, seed 1, weight 0.60"


def test_what_a_run_says_is_text_and_nothing_else(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    nasty = "</script><img src=x onerror=\"document.title='broken'\">"
    for path in (run / "bench" / "sweep.yaml", run / "preprocess_log.csv"):
        path.write_text(path.read_text().replace("lighthouse", nasty).replace("broken.png", nasty))
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    assert "ponnyu_v1" in page.title()
    page.locator("#grid tbody tr").nth(2).locator(".cell").first.click()


def _table(report):
    text = (report.parent / "bench" / "metrics.csv").read_text()
    return list(csv.DictReader(text.splitlines()))


def _place(row):
    """Where the training picture that one is nearest to stands among all of them."""
    return int(row["nearest"].removesuffix(".png")[-2:])


def _embedded(page, file):
    """The picture of a file as an image shows it."""
    return page.evaluate(
        """file => {
            const data = JSON.parse(document.getElementById("data").textContent);
            const { id } = data.pictures.find((picture) => picture.file === file);
            return `data:image/webp;base64,${document.getElementById(id).textContent}`;
        }""",
        file,
    )
