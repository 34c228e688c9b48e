"""Check the pictures of a cell before they are published, and label them in their metadata."""

import io
import json
import logging
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lorabench.comfy.client.http import Answer
from lorabench.comfy.client.shapes import Odd, fits
from lorabench.comfy.graph.graph import Graph, Slot
from lorabench.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

log = logging.getLogger(__name__)

_BEGINNING = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_AFTER_HEADER = 33  # a PNG's signature (8) and its IHDR chunk (4 + 4 + 13 + 4)


def check(pictures: Sequence[bytes], graph: Graph, slots: Sequence[Slot]) -> None:
    """Raise `UserError` unless these are sound pictures that `graph` made.

    They must be PNGs that decode, have one size and, if the server stores the graph in its
    pictures, the same values in `slots`. A picture of a single colour gives a warning.
    """
    sizes = set()
    for number, data in enumerate(pictures):
        image = _decode(data, number)
        _warn_of_one_colour(image, number)
        _check_graph(image, graph, slots, number)
        sizes.add(image.size)
    if len(sizes) > 1:
        raise UserError(f"the pictures of one batch differ in size: {sorted(sizes)}")


def whole_picture(response: Answer) -> Answer:
    """Return an answer to `/view`; raises `Odd` for a picture that was cut short, or a page."""
    data = response.content
    if response.ok and not (data.startswith(_BEGINNING) and data.endswith(_END)):
        raise Odd("a damaged PNG file")
    return response


def is_made_by(data: bytes, graph: Graph) -> bool:
    """Return whether `graph` made the picture, by its metadata; True if it has none.

    A custom node may change its inputs there, so False is no proof.
    """
    try:
        drawn = _stored_graph(_opened(data))
    except (OSError, ValueError):
        return True  # for `check` to judge
    return drawn is None or all(
        drawn.get(node, {}).get("inputs") == body["inputs"] for node, body in graph.items()
    )


def with_text(data: bytes, texts: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return the PNG file `data` with a tEXt chunk of JSON for each entry of `texts`.

    The chunks follow the header, and all other bytes stay: this is faster than encoding again.
    """
    chunks = b"".join(_text_chunk(key, json.dumps(value)) for key, value in texts.items())
    return data[:_AFTER_HEADER] + chunks + data[_AFTER_HEADER:]


def _text_chunk(key: str, text: str) -> bytes:
    body = b"tEXt" + key.encode("latin-1") + b"\0" + text.encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _opened(data: bytes) -> "Image.Image":
    from PIL import Image  # only now: a cell submits its prompt 20 ms earlier

    return Image.open(io.BytesIO(data), formats=["PNG"])


def _decode(data: bytes, number: int) -> "Image.Image":
    try:
        image = _opened(data)
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"picture {number} of the batch is a damaged PNG file: {error}") from None
    return image


def _warn_of_one_colour(image: "Image.Image", number: int) -> None:
    extrema = [channel.getextrema() for channel in image.convert("RGB").split()]
    if all(low == high for low, high in extrema):
        colour = tuple(low for low, _ in extrema)
        # No error: rendering it again changes nothing, and the metrics and grids point it out.
        log.warning(
            "picture %d of the batch is one colour, RGB %s: a broken render. The likely cause is"
            " NaN (not a number) in the model: a LoRA trained at too high a rate, or a VAE or card"
            " that cannot use half precision; look at train_log.csv, then try the server with full"
            " precision",
            number,
            colour,
        )


def _check_graph(image: "Image.Image", graph: Graph, slots: Sequence[Slot], number: int) -> None:
    drawn = _stored_graph(image)
    if drawn is None:
        return
    for node, name in slots:
        wanted = graph[node]["inputs"][name]
        found = (drawn.get(node, {}).get("inputs") or {}).get(name)
        if found != wanted:
            raise UserError(
                f"picture {number} of the batch comes from another graph: there {name} of node"
                f" {node} is {found!r}, not {wanted!r}; empty the server's cache (POST /free) and"
                " run the command again"
            )


def _stored_graph(image: "Image.Image") -> Graph | None:
    """Return the graph in the picture; None if the server stores none."""
    with suppress(ValueError, TypeError):
        graph = json.loads(image.info.get("prompt") or "")
        return graph if fits(graph, {str: {"inputs?": dict}}) else None
    return None
