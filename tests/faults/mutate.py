"""Spoil bytes, texts, tables and trees of values, as disks, editors and attackers do."""

import copy
import json
import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

HOSTILE = (
    "../../../outside",
    "/outside/of/it",
    "$(touch pwned)",
    "`touch pwned`; touch pwned",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "`code` *bold* [link](javascript:alert(1))",
    "\x1b[2J\x1b[31mred",
    "a\nb\r\nc",
    "a\x00b",
    "\u202egnp.exe",
    "\ud800",
    "{run_id} {{x}} %s %n",
    "x" * 300,
    "日本語" * 100,
    "~root/x",
    "-rf",
    "con.",
    "http://user:secret@example.invalid/?token=secret",
)
ODD = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 2**31, 2**63, 2**70, -(2**70), 1e300, math.nan),
    *(math.inf, "", " ", "0", "1", "-1", "nan", "true", "null", "abc", "1,2", [], {}, [[]]),
    *([None], {"": None}, {"a": {"b": 1}}, [1, "a", None]),
    *HOSTILE,
)
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF)


def spoil(data: bytes, dice: Random) -> bytes:
    """Return a file's bytes with one to a few faults."""
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        data = dice.choice(_SPOILERS)(data, dice)
    return data


def _cut(data: bytes, dice: Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _flip(data: bytes, dice: Random) -> bytes:
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 4, 32))):
        if found:
            found[_place(data, dice)] ^= 1 << dice.randrange(8)
    return bytes(found)


def _overwrite(data: bytes, dice: Random) -> bytes:
    at, length = _place(data, dice), dice.choice((1, 2, 4, 8, 64))
    what = (
        bytes([dice.choice(_NUMBERS)]) * length if dice.random() < 0.7 else dice.randbytes(length)
    )
    return (data[:at] + what + data[at + length :])[: len(data)]


def _remove(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    return data[:at] + data[at + dice.choice((1, 2, 8, 100, 5000)) :]


def _repeat(data: bytes, dice: Random) -> bytes:
    at = _place(data, dice)
    end = at + dice.choice((1, 8, 100, 5000))
    return data[:end] + data[at:end] * dice.choice((1, 3)) + data[end:]


def _append(data: bytes, dice: Random) -> bytes:
    return data + dice.choice((b"\0" * 100, b"\n", dice.randbytes(64), data[:1000]))


def _place(data: bytes, dice: Random) -> int:
    """Return a place in the file: half of them in its head, where its sizes stand."""
    most = min(len(data), 200) if dice.random() < 0.5 else len(data)
    return dice.randrange(max(most, 1))


_SPOILERS: Sequence[Callable[[bytes, Random], bytes]] = (
    *(_cut, _flip, _flip, _overwrite, _overwrite, _remove, _repeat, _append),
)


def bend(content: Any, dice: Random) -> Any:
    """Return nested lists and mappings with one to a few values that are none of theirs."""
    content = copy.deepcopy(content)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        places = list(_places(content))
        if not places:
            return dice.choice(ODD)
        holder, key = dice.choice(places)
        _bend(holder, key, dice)
    return content


def _places(content: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [content]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in list(keys) if isinstance(holder, dict | list) else []:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def _bend(holder: Any, key: Any, dice: Random) -> None:
    how = dice.randrange(8)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[dice.choice((None, 5, True, "", f"{key}x", str(key)[:-1], *HOSTILE))] = holder.pop(
            key
        )
    elif how == 2 and isinstance(holder, dict):
        holder[dice.choice(("unknown", "__metadata__", "format", *HOSTILE))] = dice.choice(ODD)
    elif how == 3:
        holder[key] = [holder[key]]
    elif how == 4 and isinstance(holder[key], int | float):
        holder[key] = dice.choice(
            (-holder[key], holder[key] + 1, holder[key] * 1e9, str(holder[key]))
        )
    elif how == 5 and isinstance(holder[key], list):
        holder[key] = holder[key] * 3
    else:
        holder[key] = copy.deepcopy(dice.choice(ODD))


def deep(levels: int, dice: Random) -> str:
    """Return JSON that nests deeper than readers have stack."""
    return dice.choice(('{"a":', "[")) * levels


def rows(text: str, dice: Random, separator: str = ",") -> str:
    """Return a table as text with a cell, a column, a line or the end of it spoilt."""
    lines = text.splitlines()
    at = dice.randrange(len(lines))
    cells = lines[at].split(separator)
    place = dice.randrange(len(cells))
    how = dice.randrange(9)
    if how == 0:
        return text[: dice.randrange(len(text))]
    if how == 1:
        return "\n".join(line.rpartition(separator)[0] for line in lines) + "\n"
    if how == 2:
        lines[at] = separator.join(cells[:-1])
    elif how == 3:
        lines[at] = lines[at] + separator + str(dice.choice(ODD))
    elif how == 4:
        del lines[at]
    elif how == 5:
        lines.insert(at, lines[at])
    elif how == 6:
        return "\n".join(lines[:1]) + "\n" * dice.randrange(2)
    else:
        cells[place] = str(dice.choice(ODD))
        lines[at] = separator.join(cells)
    return "\n".join(lines) + "\n"


def as_json(content: Any) -> bytes:
    """Return JSON as bytes, NaN and halves of letters included."""
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
