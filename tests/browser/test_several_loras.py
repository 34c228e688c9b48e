"""The page on a run of several LoRAs: which one, at which weight, and their pictures."""

import csv
import io
import json
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from lorabench.pages.run.build import build
from tests.browser.conftest import PHONE
from tests.finished import make_run, series


def test_the_verdict_says_which_lora_and_the_map_how_each_did(visit, several):
    page = visit(several)
    text = page.locator("#verdict").inner_text()
    assert "Of 4 LoRAs, use epoch 4 at 0.8 (as good: epoch 6)" in text
    assert "Over-trained from epoch 8 on: fried at 0.8" in text
    heads = page.locator(".heat tbody th").all_inner_texts()
    assert heads == ["epoch 2", "epoch 4 use this", "epoch 6 as good", "epoch 8"]
    row = page.locator(".heat tbody tr").nth(1).locator("td").all_inner_texts()
    assert [words.split("\n")[0] for words in row] == ["weak", "works", "works", "works", "fried"]
    assert "0.31" in row[3]
    assert not page.locator(".ruler").count(), "the map has it"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
def test_the_map_fits_its_window(visit, several, options, language):
    page = visit(several, locale=language, **options)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wider = "cells => cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length"
    assert page.locator(".heat :is(td, th)").evaluate_all(wider) == 0


def test_a_click_on_the_map_shows_the_pictures_of_that_lora_at_that_weight(visit, several):
    page = visit(several)
    page.locator(".heat tbody tr").nth(3).get_by_role("link", name="fried").press("Enter")
    expect(page.locator("#grid-table th.asked")).to_contain_text("0.80")
    expect(page.locator("#grid-table")).to_be_in_viewport()
    assert page.locator("#grid-lora").input_value() == "3"
    labels = page.locator("#grid td.asked .cell").evaluate_all("all => all.map((one) => one.title)")
    assert labels and all(one.startswith("epoch 8, ") for one in labels)
    page.locator("#verdict").get_by_role("link", name="31% of what").click()
    assert page.locator("#grid-lora").input_value() == "1", "of the one that the verdict is on"


def test_arrows_move_in_the_map_and_tab_leaves_it(visit, several):
    page = visit(several)
    links = page.locator(".heat a")
    stops = links.evaluate_all("links => links.filter((one) => one.tabIndex === 0).length")
    assert stops == 1
    page.locator(".heat .chosen .best a").focus()
    at = "[document.activeElement.dataset.lora, document.activeElement.dataset.weight].join()"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(at) == "2,0.6"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(at) == "2,0.6", "nothing was rendered there"
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('.heat')")


def test_on_a_phone_the_map_shows_the_lora_to_use(visit, several):
    page = visit(several, **PHONE)
    box, best = (
        page.locator(selector).bounding_box()
        for selector in ("#verdict .scroll", ".heat .chosen .best")
    )
    assert box["x"] <= best["x"] and best["x"] + best["width"] <= box["x"] + box["width"] + 1


def test_the_grid_shows_one_lora_or_all_of_them(visit, several):
    page = visit(several)
    expect(page.locator("#grid-count")).to_have_text("24 pictures")
    page.locator("#grid-lora").select_option(label="All LoRAs")
    rows = page.locator("#grid tbody th").all_inner_texts()
    assert [row.split("\n")[0] for row in rows[:5]] == [
        "epoch 2", "epoch 4", "epoch 6", "epoch 8", "epoch 2",
    ]  # fmt: skip
    expect(page.locator("#grid-count")).to_have_text("84 pictures")  # weight 0 counts once


def test_one_epoch_is_wiped_over_another(visit, several):
    page = visit(several)
    side = page.locator("[data-side=a]")
    side.locator("[name=lora]").select_option(label="epoch 6")
    side.locator("[name=weight]").fill("4")
    alt = page.locator("#compare .a img").get_attribute("alt")
    assert alt == "A: epoch 6, benchmark's prompt, seed 1, weight 0.80"
    alt = page.locator("#compare .b img").get_attribute("alt")
    assert alt == "B: epoch 4, benchmark's prompt, seed 1, weight 0.80"
    side.locator("[name=prompt]").select_option(label="lighthouse")
    alt = page.locator("#compare .b img").get_attribute("alt")
    assert alt == "B: epoch 4, lighthouse, seed 1, weight 0.80", "the other side follows"
    sources = [page.locator(f"#compare .{name} img").get_attribute("src") for name in "ab"]
    assert len(set(sources)) == 2


def test_loras_are_voted_on_at_the_same_weight_and_older_votes_count(visit, several):
    page = visit(several)
    rows, weights, loras = 4, 5, 4
    pairs = rows * (loras * weights * (weights - 1) // 2 + weights * loras * (loras - 1) // 2)
    assert f"{pairs} pairs are waiting" in page.locator("#blind-intro").inner_text()
    old = {"left_weight": 0.8, "right_weight": 0.4, "vote": "left"}
    old |= {
        f"{side}_file": f"bench/epoch-000006/w{old[f'{side}_weight']:.2f}/seed1_00.png"
        for side in ("left", "right")
    }
    page.evaluate(
        """votes => {
            const { run } = JSON.parse(document.getElementById("data").textContent);
            localStorage.setItem(`lorabench.votes.${run}`, votes);
        }""",
        json.dumps([old]),
    )
    page.reload()
    said = page.locator("#blind-result").inner_text()
    assert "You liked epoch 6 at 0.80 best" in said and "epoch 4 at 0.80, but finds no" in said
    page.locator("#blind-start").click()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    table = csv.DictReader(io.StringIO(download.value.path().read_text()))
    first, *others = table
    assert first["left_lora"] == "" and len(others) == 3
    keys = {"epoch-000002", "epoch-000004", "epoch-000006", ""}
    for vote in others:
        differ = (
            vote["left_lora"] != vote["right_lora"],
            vote["left_weight"] != vote["right_weight"],
        )
        assert differ.count(True) == 1 and {vote["left_lora"], vote["right_lora"]} <= keys


def test_the_curves_go_over_the_epochs_and_the_loss_stands_beside_them(visit, several):
    page = visit(several)
    titles = page.locator("#plots-loras figcaption strong").all_inner_texts()
    assert titles == ["style gained", "prompt kept", "structure kept", "Loss over the steps"]
    first = page.locator("#plots-loras svg").first
    axis = first.locator("text[text-anchor=middle]").all_text_contents()
    assert axis == ["2", "4", "6", "8"] and first.locator(".line").count() == 1
    assert first.locator(".dot title").all_text_contents()[1].startswith("epoch 4: ")
    loss = page.locator("#plots-loss")
    assert loss.locator("text[text-anchor=middle]").all_text_contents() == axis
    assert loss.locator("path.held-out").count() == 1
    assert "All LoRAs at 0.80" in page.locator("#plots").inner_text()


def test_loras_of_a_list_stand_side_by_side_and_nothing_joins_them(visit, tmp_path):
    loras = tuple(replace(one, series="", epoch=None, step=None) for one in series(2, 4))
    run, dataset = make_run(tmp_path, prompts=1, seeds=(1,), size=16, loras=loras)
    build(run, dataset, run / "report.html")
    page = visit(run / "report.html")
    chart = page.locator("#plots-loras svg").first
    assert not chart.locator(".line").count() and chart.locator(".whisker").count() == 2
    assert chart.locator(".dot title").first.text_content().startswith("ponnyu-000002: ")
    assert not page.locator("#plots-loss").count()


def test_a_page_on_one_lora_has_nothing_of_it(visit, report):
    page = visit(report)
    assert not page.locator(".heat").count()
    for select in page.locator("#grid-lora, [name=lora]").all():
        assert not select.is_visible()
