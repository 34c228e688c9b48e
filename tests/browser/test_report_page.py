"""The page on a run as a reader uses it: by mouse, by keyboard, on a phone, in two languages."""

import csv
import io
import json
import shutil

import pytest
from PIL import Image
from playwright.sync_api import expect

from lorabench.bench.measures.columns import METRICS
from lorabench.bench.verdicts import verdict
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.pages.run import contents
from lorabench.pages.run.build import build
from tests.browser.conftest import PHONE
from tests.finished import SUBJECTS, WEIGHTS, add_fault, make_run, relabel
from tests.pictures import close

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
    for words in ("works", "0.80", "0.60 · 0.80", "usable from 0.40 to 0.80", "it leaks"):
        assert words in text
    assert "t 0.20 only 21% of the way to the training set (needed: 40%)" in text
    assert "31% of what was measured lies outside" in text
    ruler = page.locator(".ruler li").all_inner_texts()
    assert [text.split()[0] for text in ruler] == [f"{weight:.2f}" for weight in WEIGHTS]
    assert "recommended" in ruler[4]
    assert page.locator("#verdict").bounding_box()["y"] < 300


def test_a_click_on_a_sentence_leads_to_its_pictures(visit, report):
    page = visit(report)
    page.get_by_role("link", name="31% of what was measured").click()
    expect(page.locator("#grid-table th.asked")).to_contain_text("1.00")
    expect(page.locator("#grid-table")).to_be_in_viewport()
    assert page.locator("#grid-table td.asked").count() > 1
    page.get_by_role("link", name="without the trigger words it still gains").click()
    assert "without trigger" in page.locator("#grid-table tbody th").first.inner_text()
    page.locator(".ruler a").first.click()
    expect(page.locator("#grid-table th.asked")).to_contain_text("0.20")


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_the_first_screen_shows_the_pictures_that_matter(visit, report, options):
    page = visit(report, **options)
    height = page.viewport_size["height"]
    heads = page.locator(".sample .head")
    assert [" ".join(text.split()) for text in heads.all_inner_texts()] == [
        "0.00 no LoRA",
        "0.80 use this",
        "Training pictures (6) See more",
    ]
    pictures = page.locator(".glance img")
    assert pictures.count() == 2 * 3 + 6
    for at in (0, 1, 6):
        seen(page, f".glance img >> nth={at}")
        page.evaluate("scrollTo(0, 0)")
        assert pictures.nth(at).bounding_box()["y"] < height - 80
    page.locator(".pic").nth(1).click()
    title = page.locator("#zoom-title").inner_text()
    assert title == "benchmark's prompt, seed 1, weight 0.80"


def test_what_to_try_next_stands_beside_the_verdict(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    told = Verdict("weak", reasons=[Finding("style_low", 0.4, 0.1, 0.2)])
    verdict.write(told, run / "bench" / "verdict.json")
    build(run, dataset, run / "report.html")
    said = visit(run / "report.html").locator(".next").inner_text()
    assert said.startswith("Try next: ") and "uv run snakemake" in said
    (run / "run.yaml").unlink()
    build(run, None, run / "report.html")
    assert not visit(run / "report.html").locator(".next").count(), "it would be another run"


def test_what_was_not_judged_is_not_none(visit, tmp_path):
    run, _ = make_run(tmp_path)
    told = Verdict("uncertain", unknown=[Finding("no_training_set")])
    verdict.write(told, run / "bench" / "verdict.json")
    build(run, None, run / "report.html")
    page = visit(run / "report.html")
    text = page.locator("#verdict").inner_text()
    said = "not judged (there is no training set to compare with)"
    assert said in text and "none" not in text.lower()
    assert "Not judged: there is no training set" in page.locator("#copies").inner_text()
    assert page.locator(".glance .sample").count() == 2, "further pictures instead of a set"


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
def test_nothing_breaks_out_of_its_box_on_a_phone(visit, report, language):
    page = visit(report, locale=language, **PHONE)
    wider = """boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth + 1
        ).map((box) => box.innerText)"""
    for selector in (".ruler li", ".sample .head", ".cells th", ".words > *"):
        assert page.locator(f"{selector} >> visible=true").evaluate_all(wider) == []
    assert page.locator(".ruler em >> visible=true").first.evaluate(
        "word => word.getClientRects().length == 1"
    )


def test_on_a_phone_the_recommended_column_is_in_view(visit, report):
    page = visit(report, **PHONE)
    head = page.locator("#grid th.chosen")
    head.scroll_into_view_if_needed()
    box = page.locator("#grid-table").bounding_box()
    left = head.bounding_box()["x"]
    assert box["x"] <= left and left + head.bounding_box()["width"] <= box["x"] + box["width"] + 1


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
    expect(heading).to_have_text("Verdict", use_inner_text=True)  # chosen as the page is read


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
    heads = page.locator("#grid thead th").all_inner_texts()[1:]
    assert [head.split("\n")[0] for head in heads] == [f"{weight:.2f}" for weight in WEIGHTS]
    assert (heads[0], heads[4]) == ("0.00\nno LoRA", "0.80\nrecommended")
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
    assert page.locator("#grid .gallery li").count() == 4
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
    assert chosen(page) == "benchmark's prompt, seed 2, weight 0.40"
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    assert page.locator("#compare .a img").get_attribute("alt") == (
        "A: benchmark's prompt, seed 2, weight 0.40"
    )
    assert page.locator("#compare .b img").get_attribute("alt") == (
        "B: benchmark's prompt, seed 2, weight 0.60"
    )
    assert "is now side B" in page.locator("#compare-said").inner_text()
    page.keyboard.press("Tab")
    assert not chosen(page), "the grid is one stop of the tabulator"


def test_one_weight_fills_the_width_and_moves_by_arrows(visit, tmp_path):
    run, dataset = make_run(tmp_path, prompts=8, seeds=(1,), size=32)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    page.get_by_role("button", name="One weight").click()
    boxes = [cell.bounding_box() for cell in page.locator(".gallery .cell").all()]
    assert len(boxes) == 8 and len({box["y"] for box in boxes}) == 2
    table = page.locator("#grid-table").bounding_box()
    right = max(box["x"] + box["width"] for box in boxes)
    assert right == pytest.approx(table["x"] + table["width"], abs=2)
    page.locator(".gallery .cell").first.focus()
    page.keyboard.press("ArrowDown")
    assert chosen(page).startswith("teapot,")
    page.keyboard.press("ArrowLeft")
    assert chosen(page).startswith("teapot,"), "the line begins here"
    page.keyboard.press("ArrowRight")
    assert chosen(page).startswith("owl,")


@pytest.mark.parametrize(
    ("told", "winner", "words"),
    [
        ({}, 0.8, "You and the verdict agree: you liked 0.80 best"),
        ({}, 0.6, "finds no clear difference"),
        ({}, 1.0, "You liked 1.00 best; the verdict recommends 0.80."),
        ({"label": "fried"}, 0.4, "You liked 0.40 best; the verdict recommends no weight."),
        ({"label": "uncertain"}, 0.4, "You liked 0.40 best; the weight to use was not judged."),
    ],
)
def test_the_votes_are_held_against_the_verdict(visit, tmp_path, told, winner, words):
    run, dataset = make_run(tmp_path, prompts=1, seeds=(1,), size=16, probe="off")
    if told:
        verdict.write(Verdict(**told), run / "bench" / "verdict.json")
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    page.evaluate(
        """winner => {
            const others = [0.2, 0.4, 0.6, 0.8, 1].filter((weight) => weight !== winner);
            const votes = others.map((other) =>
                ({ left_weight: winner, right_weight: other, vote: "left" }));
            const { run } = JSON.parse(document.getElementById("data").textContent);
            localStorage.setItem(`lorabench.votes.${run}`, JSON.stringify(votes));
        }""",
        winner,
    )
    page.reload()
    text = page.locator(".standing").inner_text()
    assert words in text and "After 4 votes this may be chance." in text


@pytest.mark.parametrize("kept", ["{broken", "{}", "[null, 7]", "null"])
def test_what_a_browser_keeps_wrongly_or_refuses_to_keep_stops_nothing(visit, report, kept):
    page = visit(report)
    page.evaluate("kept => localStorage.setItem('lorabench.votes.ponnyu_v1-c59e8a82', kept)", kept)
    page.reload()
    seen(page, "#grid .cell >> nth=0 >> img")
    assert page.locator("#blind-result").inner_text() == ""
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })"
    )
    page.reload()
    seen(page, "#grid .cell >> nth=0 >> img")
    page.locator("#blind-start").click()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#blind-counter").inner_text() == "1 of 40 voted"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_of_many_weights_the_recommended_one_is_in_view_and_heads_stay(visit, tmp_path, options):
    weights = tuple(at / 10 for at in range(15))
    run, dataset = make_run(tmp_path, prompts=8, weights=weights, seeds=(1,), size=16)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html", **options)
    head = page.locator("#grid th.chosen")
    page.locator("#grid-table").scroll_into_view_if_needed()
    table, column = page.locator("#grid-table").bounding_box(), head.bounding_box()
    assert (
        table["x"] <= column["x"] and column["x"] + column["width"] <= table["x"] + table["width"]
    )
    page.locator("#grid-table").evaluate("table => { table.scrollTop = 300; }")
    assert head.bounding_box()["y"] == pytest.approx(column["y"], abs=2), "it stays in view"


def test_any_two_pictures_are_compared(visit, report):
    page = visit(report)
    assert seen(page, "#compare .a img") != seen(page, "#compare .b img")
    left, right = page.locator("fieldset").all()
    left.get_by_label("Prompt").select_option(label="lighthouse")
    assert right.get_by_label("Prompt").input_value() == left.get_by_label("Prompt").input_value()
    page.locator("#compare-linked").uncheck()
    right.get_by_label("Prompt").select_option(label="benchmark's prompt")
    right.get_by_label("Seed").select_option(label="2")
    right.get_by_label("Weight").press("End")
    assert page.locator("#compare .a img").get_attribute("alt").startswith("A: lighthouse, seed 1")
    assert page.locator("#compare .b img").get_attribute("alt") == (
        "B: benchmark's prompt, seed 2, weight 1.00"
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
        == "benchmark's prompt, seed 1, weight 0.60"
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
        == "benchmark's prompt, seed 2, weight 0.80"
    )
    assert seen(page, "#zoom-image") != first
    page.get_by_role("button", name="Compare as A").click()
    assert "seed 2, weight 0.80" in page.locator("#compare .a img").get_attribute("alt")
    page.locator(".cell").nth(3).press("Enter")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert chosen(page) == "benchmark's prompt, seed 1, weight 0.60", "the focus is back"


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
    page.locator("#blind-result td").first.wait_for()  # drawn once the dialog has closed
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
    charts = page.locator("#plots-main .chart:not(.double) svg")
    page.locator("#plots").scroll_into_view_if_needed()
    charts.first.wait_for()
    first = [column for column in contents.DECIDING if column in {one.column for one in METRICS}]
    first.append("clip_prompt")
    assert charts.count() == len(first) == 8
    label = charts.first.get_attribute("aria-label")
    assert label.startswith("style gained. 0.20: ")
    assert page.locator("#plots-main .window").count() == len(first)
    assert page.locator("#plots-main .limit").count() == 3  # as many as the verdict has
    others = len(METRICS) - 7 + 3  # diversity, and the embedding's two
    page.get_by_text(f"All other metrics ({others})").click()
    page.locator("#plots-more svg").last.wait_for()
    assert page.locator("#plots-more svg").count() == others
    labels = page.locator("#plots-trade .strong").all_text_contents()
    assert labels == [f"{weight:.2f}" for weight in WEIGHTS[1:]]
    assert "380 steps" in page.locator("#train-loss svg").get_attribute("aria-label")
    assert page.locator("#train-loss circle.held-out").count() == 9
    assert "lowest at step 160 (0.200), 0.250 at the end" in page.locator("#train").inner_text()
    page.get_by_text("As a table").click()
    assert page.locator("#plots-table tbody tr").count() == len(WEIGHTS)


def test_pictures_that_are_no_copies_are_not_held_up_as_some(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    _say_copied(run, "none of them")
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    text = page.locator("#copies").inner_text()
    assert "None found." in text and "a copy has more than" in text
    assert not page.locator("#copies img >> nth=0").is_visible()
    page.locator("#copies summary").click()
    seen(page, "#copies img >> nth=0")


def test_a_copy_stands_beside_its_training_picture(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    file = "trigger/w0.80/seed2_00.png"
    _say_copied(run, file)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    (row,) = (row for row in _table(run / "report.html") if row["file"] == file)
    pair = page.locator("#copies li")
    assert pair.count() == 1
    assert seen(page, "#copies img >> nth=0") == _embedded(page, f"bench/{row['file']}")
    training = "#copies img >> nth=1"
    assert seen(page, training) == seen(page, f"#train .wall img >> nth={_place(row)}")
    mirrored = page.locator(training).get_attribute("class") == "mirrored"
    assert mirrored == (row["nearest_mirrored"] == "True")
    for words in ("0.95", "copy", "trigger words alone", "2", "0.80"):
        assert words in pair.inner_text()
    assert "1 of 40 pictures is a copy" in page.locator("#copies").inner_text()


def test_without_the_trigger_alone_that_is_said(visit, tmp_path):
    run, dataset = make_run(tmp_path, probe="off")
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html", locale="ja-JP")
    assert "probe=full" in page.locator("#copies").inner_text()


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
    command = page.locator("#settings .command").inner_text()
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


def test_what_a_narrower_sweep_left_out_is_told_with_the_command(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    shutil.copytree(run / "bench" / "w0.80", run / "bench" / "w1.20")
    for path in run.glob("bench/w1.20/*.png"):
        relabel(path, weight=1.2)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    boxes = page.locator(".next")
    note = boxes.first.inner_text()
    assert "Pictures at weight 1.20 were rendered earlier and lie in" in note
    assert "weights=0.2,0.4,0.6,0.8,1.0,1.2" in note
    commands = boxes.locator(".command").all_inner_texts()
    assert len(set(commands)) == len(commands)
    for size in ({"width": 390, "height": 844}, {"width": 1400, "height": 900}):
        page.set_viewport_size(size)
        page.evaluate("scrollTo(0, 0)")
        assert boxes.first.bounding_box()["y"] < size["height"] - 200


def test_warnings_and_missing_pictures_are_told(visit, tmp_path):
    run, dataset = make_run(tmp_path)
    add_fault(run, 0.2)
    (run / "bench" / "w0.40" / "seed1_00.png").unlink()
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    for language, title, advice in (
        ("en", "Dead LoRA", "Look whether the loss fell"),
        ("ja", "LoRA が効いていません", "損失が下がったか"),
    ):
        page.click(f"[data-language={language}]")
        alarm = page.locator(".alarm").inner_text()
        assert title in alarm and advice in alarm
    page.click("[data-language=en]")
    assert page.locator(".cell.gone").all_inner_texts() == ["missing"]
    page.locator(".cell").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert chosen(page) == "benchmark's prompt, seed 1, weight 0.60"


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


def _say_copied(run, file):
    """Write into a run's table that this picture, and no other, is a copy."""
    rows = _table(run / "report.html")
    for row in rows:
        row |= {"copy_similarity": "0.95" if row["file"] == file else "0.5", "copy_excess": "0.6"}
    with (run / "bench" / "metrics.csv").open("w", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


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
