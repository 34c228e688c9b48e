"""What brackets and their like mean: in captions nothing, in prompts what ComfyUI reads.

Both trainers take a caption as it stands. In a prompt `(x)` is x at weight 1.1, and `\\(` is a
bracket; those who write prompts that way often write captions so, too. So captions and trigger
words are plain text here, without escapes, and get them on their way into a prompt.

Wide letters are another such difference: sd-scripts' tokenizer takes `（月）` for `(月)`, that of
ComfyUI does not. So captions have the plain letters, which mean the same to all.
"""

import re
from collections.abc import Iterable

from lorabench.text.phrases import count

_BRACKET = re.compile(r"[()]")
_ESCAPE = re.compile(r"\\([()\[\]])")
_CHOICE = r"\{[^{}]*\|[^{}]*\}"
_NETWORK = r"<(?:lora|lyco|hypernet):[^<>]*>"
_IN_CAPTIONS = re.compile(rf"{_CHOICE}|{_NETWORK}|\|\|\||\([^()]*:\s*[\d.]+\s*\)")
_IN_PROMPTS = re.compile(rf"{_CHOICE}|{_NETWORK}|__[\w/*-]+__|\[[^\[\]]+\]|\b(?:BREAK|AND)\b")
_BARE = re.compile(r"\((?![^()]*:\s*[\d.]+\s*\))[^()]*\)")
_SHOWN = 3
_WIDE = 0xFEE0  # from an ASCII sign to its wide form


def plain(caption: str) -> str:
    r"""Return a caption without the escapes of brackets: `mika \(moon\)` is `mika (moon)`.

    Where a tag has escapes that close nothing beside bare brackets, they are drawn: `\(^o^)/`.
    Wide letters, curly quotes and `&amp;` are the common ones, as CLIP's own tokenizer has them.
    """
    return ",".join(map(_plain_tag, _common(caption).split(",")))


def _common(text: str) -> str:
    if text.isascii() and "&" not in text:
        return text
    import ftfy  # as slow to import as all else here together, and seldom needed

    return ftfy.fix_text(text)


def _plain_tag(tag: str) -> str:
    opened, closed = tag.count("\\("), tag.count("\\)")
    bare = len(_BRACKET.findall(tag)) > opened + closed
    return tag if bare and opened != closed else _ESCAPE.sub(r"\1", tag)


def escaped(text: str) -> str:
    r"""Return plain text as it is written in a prompt: `mika (moon)` is `mika \(moon\)`."""
    return _BRACKET.sub(r"\\\g<0>", text)


def word(text: str) -> re.Pattern[str]:
    """Return what finds plain text in captions and prompts, its brackets escaped or wide or not.

    Japanese has no spaces between words: only Latin letters and digits make another word of it.
    """
    spelt = "".join(map(_spellings, text))
    return re.compile(rf"(?<![A-Za-z0-9_]){spelt}(?![A-Za-z0-9_])")


def _spellings(letter: str) -> str:
    """Return what finds a letter, an escaped bracket and the wide form."""
    if not "!" <= letter <= "~":
        return re.escape(letter)
    escape = r"\\?" if letter in "()[]" else ""
    return f"(?:{escape}{re.escape(letter)}|{chr(ord(letter) + _WIDE)})"


def called(prompt: str, trigger: str) -> str:
    """Return a prompt whose trigger words ComfyUI reads as they were trained.

    Their brackets are escaped where they are bare; those of emphasis around them stay.
    """
    return word(trigger).sub(lambda _: escaped(trigger), prompt) if trigger else prompt


def emphasised(captions: Iterable[str]) -> list[str]:
    """Return the bracketed words of captions that would weigh more if a program read them so."""
    return [words for caption in captions for words in _BARE.findall(caption)]


def remark_on_trigger(trigger: str) -> str:
    """Say that trigger words in a prompt had bare brackets."""
    return (
        f"{trigger} in prompts is sent as {escaped(trigger)}, the trigger words as they are"
        " trained: ComfyUI takes bare brackets for emphasis"
    )


def remark_on_captions(captions: Iterable[str]) -> str:
    """Say which captions have what other programs give a meaning; empty where none has."""
    found = [odd for caption in captions if (odd := _IN_CAPTIONS.findall(caption))]
    if not found:
        return ""
    return (
        f"{_examples(found)}, in {count(len(found), 'caption')}, is trained as it stands: nothing"
        " is chosen, loaded, kept or emphasised for it (sd-scripts has options that do, as in"
        " train: {kohya_args: {enable_wildcard: true}})"
    )


def remark_on_prompts(prompts: Iterable[str]) -> str:
    """Say what in prompts ComfyUI gives no meaning, though others do; empty where nothing is."""
    found = [odd for prompt in prompts if (odd := _IN_PROMPTS.findall(prompt))]
    if not found:
        return ""
    return (
        f"{_examples(found)} in prompts is rendered as it stands: ComfyUI chooses words on its page"
        " alone, loads no LoRA by its name in a prompt, and has no [ ], BREAK or AND"
    )


def _examples(found: Iterable[Iterable[str]]) -> str:
    each = list(dict.fromkeys(one for odd in found for one in odd))
    return ", ".join(each[:_SHOWN]) + (", …" if len(each) > _SHOWN else "")
