"""The pictures of a cell: checked before they are published, and labelled in their metadata."""

import io
import json
import logging
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from PIL import Image

from lorabench.comfy.client.shapes import fits
from lorabench.comfy.graph.graph import Graph, Slot
from lorabench.errors import UserError

log = logging.getLogger(__name__)

_AFTER_HEADER = 33  # a PNG's signature (8) and its IHDR chunk (4 + 4 + 13 + 4)


def check(pictures: Sequence[bytes], graph: Graph, slots: Sequence[Slot]) -> None:
    """Raise `UserError` unless these are sound pictures that `graph` made.

    They must be PNGs that decode, of one size and, where the server stores the graph in its
    pictures, of a graph with the same values in `slots`. One of a single colour is warned of.
    """
    sizes = set()
    for number, data in enumerate(pictures):
        image = _decode(data, number)
        _warn_of_one_colour(image, number)
        _check_graph(image, graph, slots, number)
        sizes.add(image.size)
    if len(sizes) > 1:
        raise UserError(f"the pictures of one batch differ in size: {sorted(sizes)}")


def is_made_by(data: bytes, graph: Graph) -> bool:
    """Return whether the picture's metadata says that `graph` made it, or says nothing.

    A custom node may change its inputs there, so False calls for a second look, no more.
    """
    try:
        drawn = _stored_graph(Image.open(io.BytesIO(data), formats=["PNG"]))
    except (OSError, ValueError):
        return True  # for `check` to judge
    return drawn is None or all(
        drawn.get(node, {}).get("inputs") == body["inputs"] for node, body in graph.items()
    )


def with_text(data: bytes, texts: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the PNG file `data` with a tEXt chunk of JSON for each entry of `texts`.

    The chunks go in behind the header; everything that the server wrote stays byte for byte,
    which is faster than encoding again, and no pixel can change.
    """
    chunks = b"".join(_text_chunk(key, json.dumps(value)) for key, value in texts.items())
    return data[:_AFTER_HEADER] + chunks + data[_AFTER_HEADER:]


def _text_chunk(key: str, text: str) -> bytes:
    body = b"tEXt" + key.encode("latin-1") + b"\0" + text.encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _decode(data: bytes, number: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"picture {number} of the batch is no sound PNG file: {error}") from None
    return image


def _warn_of_one_colour(image: Image.Image, number: int) -> None:
    extrema = [channel.getextrema() for channel in image.convert("RGB").split()]
    if all(low == high for low, high in extrema):
        colour = tuple(low for low, _ in extrema)
        # No error: drawing it again changes nothing, and the metrics and grids point it out.
        log.warning(
            "picture %d of the batch is one colour, RGB %s: a broken render. The likely cause is"
            " NaN (not a number) in the model: a LoRA trained at too high a rate, or half"
            " precision that a VAE or card does not bear; look at train_log.csv, then try the"
            " server with full precision",
            number,
            colour,
        )


def _check_graph(image: Image.Image, graph: Graph, slots: Sequence[Slot], number: int) -> None:
    drawn = _stored_graph(image)
    if drawn is None:
        return
    for node, name in slots:
        wanted = graph[node]["inputs"][name]
        found = (drawn.get(node, {}).get("inputs") or {}).get(name)
        if found != wanted:
            raise UserError(
                f"picture {number} of the batch comes from another graph: {name} of node {node}"
                f" is {found!r} in it, not {wanted!r}; empty the server's cache"
                " (POST /free) and run the command again"
            )


def _stored_graph(image: Image.Image) -> Graph | None:
    """Return the graph in the picture; None where a server stores none there."""
    with suppress(ValueError, TypeError):
        graph = json.loads(image.info.get("prompt") or "")
        return graph if fits(graph, {str: {"inputs?": dict}}) else None
    return None
