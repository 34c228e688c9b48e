"""Read prompts as ComfyUI does: emphasis, escapes, and chunks of the text encoder's length.

- `(word)` weighs 1.1 times its surroundings, `(word:1.3)` exactly 1.3, nested at will; `\\(` and
  `\\)` are plain parentheses. Square brackets and BREAK are plain text.
- Text longer than the encoder is cut into chunks, each with its own start and end; a run of fewer
  than eight tokens of one weight moves to the next chunk whole.
- Textual inversions (`embedding:name`) are dropped with a warning.
"""

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

EMPHASIS = 1.1
KEEP_TOGETHER = 8
_OPEN, _CLOSE = "\0\2", "\0\1"
_EMBEDDING = "embedding:"


@dataclass(frozen=True)
class Token:
    """One token of a chunk, and its weight."""

    id: int
    weight: float = 1.0


@dataclass(frozen=True)
class Frame:
    """A chunk's length in tokens, its start and end token, and the one that fills the rest."""

    length: int
    start: int
    end: int
    padding: int

    def around(self, tokens: list[Token]) -> list[Token]:
        """Return a full chunk with `tokens` in it (at most `length` - 2)."""
        chunk = [Token(self.start), *tokens, Token(self.end)]
        return chunk + [Token(self.padding)] * (self.length - len(chunk))


def weighted_segments(text: str) -> list[tuple[str, float]]:
    """Return the runs of `text` with their weights, escapes resolved."""
    hidden = text.replace("\\)", _CLOSE).replace("\\(", _OPEN)
    return [
        (segment.replace(_CLOSE, ")").replace(_OPEN, "("), weight)
        for segment, weight in _weigh(hidden, 1.0)
    ]


def spoken(text: str) -> str:
    """Return the words of a prompt without the signs of emphasis, for other models."""
    return "".join(segment for segment, _ in weighted_segments(text))


def chunks(text: str, tokenize: Callable[[str], list[int]], frame: Frame) -> list[list[Token]]:
    """Return `text` as full chunks of tokens, at least one.

    `tokenize` returns the token ids of a text, without start and end.
    """
    room = frame.length - 2
    full: list[list[Token]] = []
    tokens: list[Token] = []
    for segment, weight in weighted_segments(text):
        for words in _without_embeddings(segment):
            group = [Token(token, weight) for token in tokenize(words)]
            breakable = len(group) >= min(KEEP_TOGETHER, room + 1)
            while len(tokens) + len(group) > room:
                cut = room - len(tokens) if breakable else 0
                full.append(tokens + group[:cut])
                tokens, group = [], group[cut:]
            tokens = tokens + group
    return [frame.around(chunk) for chunk in [*full, tokens]]


def _weigh(text: str, weight: float) -> Iterator[tuple[str, float]]:
    for part in _split_groups(text):
        if len(part) < 2 or not (part[0] == "(" and part[-1] == ")"):
            yield part, weight
            continue
        inner, inner_weight = part[1:-1], weight * EMPHASIS
        words, colon, number = inner.rpartition(":")
        if colon and words:
            try:
                inner, inner_weight = words, float(number)
            except ValueError:
                inner = part[1:-1]
        yield from _weigh(inner, inner_weight)


def _split_groups(text: str) -> list[str]:
    """Cut `text` before and after each outermost balanced pair of parentheses."""
    cuts, depth = [0], 0
    for position, character in enumerate(text):
        if character == "(":
            if depth == 0:
                cuts.append(position)
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                cuts.append(position + 1)
    cuts.append(len(text))
    return [text[a:b] for a, b in itertools.pairwise(cuts) if a < b]


def _without_embeddings(segment: str) -> list[str]:
    """Return the texts of `segment` around its `embedding:` words, and log these."""
    first, *others = segment.replace(f"\n{_EMBEDDING}", f" {_EMBEDDING}").split(f" {_EMBEDDING}")
    if first.startswith(_EMBEDDING):
        others.insert(0, first.removeprefix(_EMBEDDING))
        first = ""
    texts = [first]
    for other in others:
        name, *words = other.split() or [""]
        log.warning("warning, embedding:%s does not exist, ignoring", name)
        commas = name[len(name.strip(",")) :]
        texts.append(" ".join([commas, *words] if commas else words))
    return [text for text in texts if text]
