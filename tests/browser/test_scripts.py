"""What the scripts of the pages compute, each file by itself in a browser."""

import json

import pytest

from lorabench.pages import template
from lorabench.pages.words import keyed

SHARED = template._SHARED
CURVES = [
    [{"weight": 0, "mean": 1, "low": None, "high": None}],
    [
        {"weight": -1, "mean": -5, "low": -6, "high": 1e9},
        {"weight": 3, "mean": 2, "low": 1, "high": 3},
    ],
    [],
]


@pytest.fixture(scope="module")
def compute(browser):
    """Return what an expression is where the scripts that all pages share have been read."""
    page = browser.new_context(locale="en-US", offline=True).new_page()
    data = json.dumps({"texts": keyed("plots.", "grid.")})
    page.set_content(f'<html lang="en"><script type="application/json" id="data">{data}</script>')
    source = "\n".join((SHARED / f"{name}.js").read_text("utf-8") for name in ("base", "chart"))
    memory = "const memory = { get() { return null; }, set() {} };"
    yield lambda code: page.evaluate(f"() => {{ {memory}\n{source}\nreturn {code}; }}")
    page.context.close()


@pytest.mark.parametrize(
    ("low", "high", "count", "found"),
    [
        (0, 1, 4, [0, 0.5, 1]),
        (0.21, 0.79, 4, [0.4, 0.6]),
        (-3, 3, 4, [-2, 0, 2]),
        (0, 380, 5, [0, 100, 200, 300]),
    ],
)
def test_ticks_are_round_and_inside(compute, low, high, count, found):
    assert compute(f"ticks({low}, {high}, {count})") == pytest.approx(found)


@pytest.mark.parametrize(
    ("values", "found"), [([0, 1], [-0.08, 1.08]), ([2, 2], [1.84, 2.16]), ([0], [-0.5, 0.5])]
)
def test_a_range_has_air_around_its_values(compute, values, found):
    assert compute(f"range({values})") == pytest.approx(found)


@pytest.mark.parametrize(
    ("value", "text"), [("null", "–"), ("0.123456", "0.123"), ("1083.4", "1,080"), ("-0.5", "-0.5")]
)
def test_numbers_have_three_digits(compute, value, text):
    assert compute(f"numberText({value})").startswith(text)


def test_texts_have_the_plural_of_their_number(compute):
    assert compute('t("grid.count", { count: 1 })') == "1 picture"
    assert compute('t("grid.count", { count: 2 })') == "2 pictures"
    assert compute('t("plots.interval", {})') == "{weight}: {mean} ({low} to {high})"


def test_things_are_grouped_in_order(compute):
    found = compute('[...grouped(["b1", "a1", "b2"], (one) => one[0])]')
    assert found == [["b", ["b1", "b2"]], ["a", ["a1"]]]


def test_curves_stay_inside_whatever_they_are_given(compute):
    drawn = compute(
        f"""(() => {{
            const drawn = drawCurves({{ width: 320, weights: [-1, 0, 3], label: "one",
                curves: {json.dumps(CURVES)}.map(withEnds) }});
            return {{
                dots: [...drawn.querySelectorAll("circle")].map(
                    (dot) => [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))]),
                groups: [...drawn.querySelectorAll("g")].map((one) => one.getAttribute("class")),
                label: drawn.getAttribute("aria-label"),
            }};
        }})()"""
    )
    assert len(drawn["dots"]) == 3
    assert all(0 <= x <= 320 and 0 <= y <= 190 for x, y in drawn["dots"])
    assert drawn["groups"] == ["run-0", "run-1", "run-2"] and drawn["label"] == "one"


def test_an_interval_without_ends_is_its_mean(compute):
    assert compute("withEnds([{ mean: 2, low: null, high: null }])") == [
        {"mean": 2, "low": 2, "high": 2}
    ]
