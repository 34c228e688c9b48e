"""RECORDED was read off ComfyUI 0.3.64 with the toy tokenizer below and 12 tokens a chunk.

A token is its id, or (id, weight) where the weight is not 1.
"""

import logging

import pytest

from lorabench.comfy.embedded.prompt_text import Frame, chunks, weighted_segments

FRAME = Frame(length=12, start=0, end=99, padding=99)
FULL = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 99]

RECORDED = {
    "": [[0]],
    "a bb ccc": [[0, 1, 2, 3]],
    "a (bb ccc) d": [[0, 1, (2, 1.1), (3, 1.1), 1]],
    "(a (bb:1.3) ccc:0.8)": [[0, (1, 0.8), (2, 1.3), (3, 0.8)]],
    "((a))": [[0, (1, 1.21)]],
    "\\(a\\) bb": [[0, 3, 2]],
    "(a:1.2": [[0, 6]],
    "a) (b) c": [[0, 2, 3, 1]],
    "(a))((b:1.1)": [[0, (1, 1.1), 2, (1, 1.1)]],
    "(:1.2)": [[0, (4, 1.1)]],
    "(a:b:1.5)": [[0, (3, 1.5)]],
    "(a: 1.5 )": [[0, (1, 1.5)]],
    "(a:x)": [[0, (3, 1.1)]],
    "[a] [b:1.2]": [[0, 3, 7]],
    "a BREAK b": [[0, 1, 5, 1]],
    "(a:-1)": [[0, (1, -1.0)]],
    "()": [[0]],
    "a()b": [[0, 1, 1]],
    "a a a a a a a a (bb bb bb:1.2) c": [
        [0, 1, 1, 1, 1, 1, 1, 1, 1],
        [0, (2, 1.2), (2, 1.2), (2, 1.2), 1],
    ],
    "a a a a a a a a (bb bb bb bb bb bb bb bb:1.2) c": [
        [0, 1, 1, 1, 1, 1, 1, 1, 1, (2, 1.2), (2, 1.2)],
        [0, *[(2, 1.2)] * 6, 1],
    ],
    "a " * 25: [FULL, FULL, [0, 1, 1, 1, 1, 1]],
    "a embedding:foo, bb": [[0, 1, 1, 2]],
    "embedding:foo": [[0]],
}


def tokenize(text):
    return [len(word) for word in text.split()]


@pytest.mark.parametrize(("text", "expected"), RECORDED.items())
def test_prompts_are_read_as_comfyui_reads_them(text, expected):
    found = [
        [token.id if token.weight == 1 else (token.id, round(token.weight, 4)) for token in chunk]
        for chunk in chunks(text, tokenize, FRAME)
    ]
    assert found == [chunk + [99] * (12 - len(chunk)) for chunk in expected]


def test_chunks_take_the_encoders_own_length():
    assert [len(chunk) for chunk in chunks("a " * 100, tokenize, Frame(32, 0, 99, 99))] == [32] * 4


def test_escaped_parentheses_are_text():
    assert weighted_segments("\\(a\\) (b:2)") == [("(a) ", 1.0), ("b", 2.0)]


def test_an_unsupported_embedding_is_named(caplog):
    with caplog.at_level(logging.WARNING):
        chunks("a embedding:style_x b", tokenize, FRAME)
    assert "embedding:style_x does not exist" in caplog.text


def test_another_token_may_fill_a_chunk_after_its_end():
    (chunk,) = chunks("a bb", tokenize, Frame(length=6, start=0, end=99, padding=7))
    assert [token.id for token in chunk] == [0, 1, 2, 99, 7, 7]
