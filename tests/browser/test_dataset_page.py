"""The page on a set as a reader uses it."""

import pytest
from playwright.sync_api import expect

from lorabench.dataset import checks, facts
from lorabench.dataset.facts import Use
from lorabench.pages.dataset.build import build
from lorabench.pages.dataset.contents import Contents
from tests.browser.conftest import PHONE
from tests.normalized import USE, normalized


@pytest.fixture(scope="module")
def page_on_a_set(tmp_path_factory):
    """The page on a set with something of everything, whose trigger words no caption has."""
    made = normalized(tmp_path_factory.mktemp("画像 set"))
    found = facts.of_normalized(made.folder, Use(**{**USE, "trigger": "zubo"}))
    build(
        Contents(made.folder, found, checks.find(found)), made.raw, {}, made.folder / "dataset.html"
    )
    return made.folder / "dataset.html"


@pytest.mark.parametrize(
    ("locale", "risk", "remedy"),
    [
        ("en-US", "The trigger words 'zubo' stand in none of 11 captions", "Begin each caption"),
        ("ja-JP", "トリガーワード 'zubo' を含むキャプションが 1 つもありません", "先頭に書くか"),
    ],
)
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_what_will_spoil_a_training_stands_on_top(
    visit, page_on_a_set, locale, risk, remedy, options
):
    page = visit(page_on_a_set, locale=locale, **options)
    said = page.locator(".risks li").first
    assert risk in said.inner_text() and remedy in said.inner_text()
    assert said.bounding_box()["y"] < 600
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_crop_stands_on_the_raw_picture(visit, page_on_a_set):
    page = visit(page_on_a_set)
    frame = page.locator(".frame", has=page.locator("i")).first
    frame.scroll_into_view_if_needed()
    expect(frame.locator("img")).to_have_js_property("complete", True)
    page.wait_for_function("img => img.naturalWidth > 0", arg=frame.locator("img").element_handle())
    whole, kept = frame.bounding_box(), frame.locator("i").bounding_box()
    assert kept["width"] < whole["width"] and kept["height"] == pytest.approx(
        whole["height"], abs=1
    ), "a wide picture is cut at its sides"


def test_captions_are_found_by_their_words(visit, page_on_a_set):
    page = visit(page_on_a_set)
    rows = page.locator(".captions tbody tr >> visible=true")
    expect(rows).to_have_count(12)
    page.locator(".slips [data-find]").click()
    expect(rows).to_have_count(1)
    assert "wide.png" in rows.inner_text() and "<b>" in rows.inner_text()
    assert page.locator("#found").inner_text() == "1 of 12"
    page.locator("#find").fill("")
    expect(rows).to_have_count(12)
