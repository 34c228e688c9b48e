"""What brackets mean in captions and in prompts."""

import re

import pytest

from lorabench.comfy.embedded.prompt_text import spoken, weighted_segments
from lorabench.text import syntax


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        (r"mika \(moon\), a ball", "mika (moon), a ball"),
        ("mika (moon), a ball", "mika (moon), a ball"),
        (r"tracer_\(overwatch\)", "tracer_(overwatch)"),
        (r"fate \(series \(game\)\), :\(", "fate (series (game)), :("),
        (r"mika \(moon, star\), \[signed\]", "mika (moon, star), [signed]"),
        (r"a girl (smiling) named mika \(moon\)", "a girl (smiling) named mika (moon)"),
        (r"\(^o^)/, mika \(moon\)", r"\(^o^)/, mika (moon)"),
        (r"\\(^o^\)/", r"\(^o^)/"),
        (r"\o/, \||/", r"\o/, \||/"),
        ("ミカ（月）、ﾎﾞｰﾙ，１girl", "ミカ(月)、ボール,1girl"),
        (r"“jeanne d&#039;arc” \(fate\)", '"jeanne d\'arc" (fate)'),
        ("", ""),
    ],
)
def test_a_caption_is_plain_text(caption, text):
    assert syntax.plain(caption) == text
    assert syntax.plain(text) == text


@pytest.mark.parametrize(
    "text", ["mika (moon)", r"\(^o^)/", "a) b", "(((x)", "[x] {a|b}", "re:zero"]
)
def test_plain_text_reaches_the_encoder_from_a_prompt_as_it_is(text):
    assert weighted_segments(syntax.escaped(text)) == [(text, 1.0)]
    assert syntax.word(text).fullmatch(text)
    assert syntax.word(text).fullmatch(syntax.escaped(text))


def test_trigger_words_in_wide_letters_are_sent_as_they_are_trained():
    assert syntax.called("（ミカ（月）:1.2）, x", "ミカ(月)") == r"（ミカ\(月\):1.2）, x"


def test_the_words_of_a_prompt_are_without_its_signs():
    assert spoken(r"(a cat:1.2), mika \(moon\), ((red) hat)") == "a cat, mika (moon), red hat"


@pytest.mark.parametrize(
    ("captions", "words"),
    [
        (
            ["x, {red|blue|a {big|small}} ball", "x, a ball"],
            r"\{big\|small\}, in 1 caption, is trained as",
        ),
        (
            ["x, <lora:detail:1>", "x, (blue eyes:1.2)"],
            r"<lora:detail:1>, \(blue eyes:1.2\), in 2 captions, is",
        ),
        (["mofu ||| 1girl, red"], r"\|\|\|, in 1 caption, is"),
        (["mika (moon), [x], {}, a|b, 1:2"], None),
    ],
)
def test_what_other_programs_read_in_captions_is_said(captions, words):
    said = syntax.remark_on_captions(captions)
    assert re.match(words, said) if words else not said


def test_brackets_with_a_weight_are_meant_as_emphasis_and_others_are_not():
    assert syntax.emphasised(["mika (moon), (blue eyes:1.2)", "x"]) == ["(moon)"]


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("a {red|blue} ball", "{red|blue}"),
        ("a cat BREAK a dog", "BREAK"),
        ("__colour__ ball, <lora:x:1>", "__colour__, <lora:x:1>"),
        ("[a cat:a dog:0.5]", "[a cat:a dog:0.5]"),
        (r"(mika \(moon\):1.2), AND1, broken, under__score", ""),
    ],
)
def test_what_only_other_programs_read_in_prompts_is_said(prompt, shown):
    said = syntax.remark_on_prompts([prompt])
    assert said.startswith(f"{shown} in prompts") if shown else not said
