"""A headless Chromium without a network, and reports to open in it."""

import os
import shutil
from pathlib import Path

import pytest
from noto_cjk_sans_jp_regular import FONT_PATH

from lorabench.pages.run.build import build
from tests.finished import make_run, series

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

DESKTOP = {"viewport": {"width": 1400, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")  # while it is open, no other test can run an event loop
def browser(tmp_path_factory):
    """Chromium with a Japanese font, whatever the machine has."""
    if not CHROMIUM:
        pytest.skip("no Chromium is installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    fonts = tmp_path_factory.mktemp("fonts") / "fonts.conf"
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'
        f"<dir>{Path(FONT_PATH).parent}</dir><cachedir>{fonts.parent}</cachedir></fontconfig>"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],  # root in a container has none
            env={**os.environ, "FONTCONFIG_FILE": str(fonts)},
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The page on a run of two prompts with everything in it."""
    run, dataset = make_run(tmp_path_factory.mktemp("ぽにゅ run"))
    build(run, dataset, run / "report.html")
    return run / "report.html"


@pytest.fixture(scope="session")
def several(tmp_path_factory):
    """The page on a run of four epochs: epoch 4 works, the next is as good, then fried."""
    loras = series(2, 4, 6, 8)
    run, dataset = make_run(tmp_path_factory.mktemp("several"), loras=loras)
    build(run, dataset, run / "report.html")
    return run / "report.html"


@pytest.fixture
def visit(browser):
    """Open a page in a new, offline window; at the end, nothing may have gone wrong in it."""
    complaints, windows = [], []

    def open_page(path, **options):
        options = {"locale": "en-US", **DESKTOP, **options}
        window = browser.new_context(offline=True, accept_downloads=True, **options)
        windows.append(window)
        page = window.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: _check_local(request.url, complaints))
        page.goto(path.as_uri())
        return page

    yield open_page
    for window in windows:
        window.close()
    assert complaints == []


def _check_local(url, complaints):
    if not url.startswith(("file:", "data:", "blob:")):
        complaints.append(f"asked the network for {url}")
