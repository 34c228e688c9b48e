"""What the scripts of the pages compute, each file by itself in a browser."""

import csv
import io
import json

import pytest

from lorabench.pages import template
from lorabench.pages.run import build
from lorabench.pages.words import keyed

SHARED = template._SHARED
RUN = build._PAGE
CURVES = [
    [{"weight": 0, "mean": 1, "low": None, "high": None}],
    [
        {"weight": -1, "mean": -5, "low": -6, "high": 1e9},
        {"weight": 3, "mean": 2, "low": 1, "high": 3},
    ],
    [],
]


PICTURES = [
    {"id": f"{variant}-{seed}-{weight}", "file": f"{variant}/{seed}/{weight}.png"}
    | {"variant": variant, "seed": seed, "index": 0, "weight": weight, "loras": [0]}
    for variant in (0, 1, 2)
    for seed in (1, 2)
    for weight in (0.8, 0, 0.4)
    if (variant, seed, weight) not in ((1, 1, 0.4), (1, 2, 0.4), (1, 2, 0.8))
]
DATA = {
    "texts": keyed("plots.", "grid."),
    "run": "one",
    "loras": [],
    "lora": 0,
    "pictures": PICTURES,
    "variants": [
        {"name": name, "text": "", "probe": probe, "label": {"en": name}}
        for name, probe in (("", ""), ("cat", ""), ("trigger", "trigger"))
    ],
    "summary": [
        {"weight": 0, "values": {"structure": [1, None, None]}},
        {"weight": 0.4, "values": {"structure": [0.9, 0.8, 1], "style_gained": [0.5, 0.4, 0.6]}},
        {"weight": 0.8, "values": {"style_gained": [0.7, 0.6, 0.8]}},
    ],
    "metrics": [],
    "weight": 0.8,
    "shape": 1,
}
SCRIPTS = (
    *(SHARED / f"{name}.js" for name in ("base", "chart")),
    *(RUN / f"{name}.js" for name in ("pictures", "grid", "zoom", "blind", "plots")),
)


@pytest.fixture(scope="module")
def compute(browser):
    """Return what an expression is where the scripts have been read."""
    page = browser.new_context(locale="en-US", offline=True).new_page()
    data = json.dumps(DATA)
    page.set_content(f'<html lang="en"><script type="application/json" id="data">{data}</script>')
    source = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    memory = "const memory = { kept: null, get() { return this.kept; }, set() {} };"
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
                paths: [...drawn.querySelectorAll("path")].map((one) => one.getAttribute("d")),
            }};
        }})()"""
    )
    assert len(drawn["dots"]) == 3
    assert all(0 <= x <= 320 and 0 <= y <= 190 for x, y in drawn["dots"])
    assert drawn["groups"] == ["run-0", "run-1", "run-2"] and drawn["label"] == "one"
    assert all(not path or path.startswith("M") for path in drawn["paths"])


def test_an_interval_without_ends_is_its_mean(compute):
    assert compute("withEnds([{ mean: 2, low: null, high: null }])") == [
        {"mean": 2, "low": 2, "high": 2}
    ]


def test_a_row_has_one_prompt_and_seed_and_goes_by_weight(compute):
    assert compute("[...rows.keys()]") == [
        "0 1 0 0",
        "0 2 0 0",
        "1 1 0 0",
        "1 2 0 0",
        "2 1 0 0",
        "2 2 0 0",
    ]
    assert compute("rowKey(allPictures[0])") == "0 1 0 0"
    assert compute("rowOf(allPictures[0]).map((one) => one.weight)") == [0, 0.4, 0.8]


@pytest.mark.parametrize(
    ("weight", "found"), [(0.4, 0.4), (0.19, 0), (0.61, 0.8), (-2, 0), (9, 0.8)]
)
def test_the_nearest_picture_of_a_row_is_found(compute, weight, found):
    assert compute(f"nearestIn(rows.get('0 1 0 0'), {weight}).weight") == found


@pytest.mark.parametrize(
    ("at", "direction", "found"),
    [
        ("0-1-0.4", "left", "0-1-0"),
        ("0-1-0.4", "right", "0-1-0.8"),
        ("0-1-0", "left", None),
        ("0-1-0.8", "right", None),
        ("0-1-0.4", "up", None),
        ("0-1-0.4", "down", "0-2-0.4"),
        ("0-2-0.8", "down", "1-1-0.8"),
        ("1-1-0.8", "down", "1-2-0"),  # the only weight there
        ("2-2-0", "down", None),
    ],
)
def test_the_neighbour_is_the_next_weight_or_the_nearest_in_the_next_row(
    compute, at, direction, found
):
    picture = f"allPictures.find((one) => one.id === '{at}')"
    assert compute(f"neighbour({picture}, '{direction}')?.id ?? null") == found


def test_weights_are_paired_without_weight_0_where_there_are_two_others(compute):
    found = compute("blind.pairs.map((pair) => pair.map((one) => one.id))")
    assert found == [["0-1-0.4", "0-1-0.8"], ["0-2-0.4", "0-2-0.8"], ["1-1-0", "1-1-0.8"]]


@pytest.mark.parametrize(
    ("kept", "votes"),
    [
        (None, []),
        ("{", []),
        ('{"vote": "left"}', []),
        ('[{"vote": "left"}, {"vote": "up"}, null, {"vote": "tie"}]', ["left", "tie"]),
    ],
)
def test_only_votes_are_taken_from_what_a_browser_keeps(compute, kept, votes):
    code = f"(memory.kept = {json.dumps(kept)}, votesKept().map((one) => one.vote))"
    assert compute(code) == votes


def voted(*votes):
    """An expression that sets votes of left and right weight and choice."""
    cast = [{"left_weight": one, "right_weight": two, "vote": vote} for one, two, vote in votes]
    return f"blind.votes = {json.dumps(cast)}"


def test_every_vote_counts_for_both_weights(compute):
    votes = voted((0.8, 0.4, "left"), (0.4, 0.8, "left"), (0.4, 0.8, "right"), (0, 0.4, "tie"))
    assert compute(f"({votes}, blindScores())") == [
        {"lora": 0, "weight": 0, "won": 0, "tied": 1, "lost": 0},
        {"lora": 0, "weight": 0.4, "won": 1, "tied": 1, "lost": 2},
        {"lora": 0, "weight": 0.8, "won": 2, "tied": 0, "lost": 1},
    ]
    assert compute(f"({votes}, blindScores().map(shareOf))") == [
        0.5,
        0.375,
        pytest.approx(2 / 3),
    ]


def test_votes_survive_csv(compute):
    texts = ['a "cat", sitting', "two\nlines", ""]
    found = compute(
        f"(blind.votes = {json.dumps([{'text': one, 'seed': 1} for one in texts])}, votesAsCsv())"
    )
    assert list(csv.DictReader(io.StringIO(found, newline=""))) == [
        {"text": one, "seed": "1"} for one in texts
    ]


def test_the_trade_off_has_the_weights_with_both_metrics(compute):
    assert compute("tradeOffPoints()") == [
        {
            "weight": 0.4,
            "kept": {"weight": 0.4, "mean": 0.9, "low": 0.8, "high": 1},
            "gained": {"weight": 0.4, "mean": 0.5, "low": 0.4, "high": 0.6},
        }
    ]
