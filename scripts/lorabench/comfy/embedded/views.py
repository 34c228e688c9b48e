"""`/view`: pictures as files, or re-encoded without their metadata."""

import mimetypes
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from aiohttp import web
from PIL import Image

from lorabench.comfy.embedded.bodies import Malformed
from lorabench.comfy.embedded.library import Library
from lorabench.text.plain import plain

_FORMATS = ("PNG", "JPEG", "WEBP")
"""Pillow knows more, some of which start programs, as Ghostscript for an EPS."""
ACTIVE_CONTENT = {
    "text/html",
    "text/html-sandboxed",
    "application/xhtml+xml",
    "text/javascript",
    "text/css",
}


def view(request: web.Request, library: Library) -> web.StreamResponse:
    """Answer `/view?filename=&subfolder=&type=&preview=&channel=`."""
    try:
        return _view(request.rel_url.query, library)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        # an impossible name, or no picture
        raise Malformed(str(error)) from None


def _view(query: Mapping[str, str], library: Library) -> web.StreamResponse:
    if "filename" not in query:
        return web.Response(status=404)
    name = query["filename"]
    folder = library.pictures.get(query.get("type", "output"))
    if not name or name.startswith("/") or ".." in name or folder is None:
        return web.Response(status=400)
    if "subfolder" in query:
        inside = Path(os.path.normpath(folder / query["subfolder"]))
        if not inside.is_relative_to(folder):
            return web.Response(status=403)
    else:
        inside = folder
    path = inside / Path(name).name
    if not path.is_file():
        return web.Response(status=404)
    if not path.resolve().is_relative_to(folder.resolve()):  # through a link
        return web.Response(status=403)
    headers = {"Content-Disposition": f'filename="{plain(path.name)}"'}
    if "preview" in query:
        return _preview(path, query["preview"], query.get("channel", ""), headers)
    if query.get("channel") in ("rgb", "a"):
        return _channel(path, query["channel"], headers)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "application/octet-stream" if kind in ACTIVE_CONTENT else kind
    return web.FileResponse(path, headers=headers | {"Content-Type": kind})


def _preview(path: Path, wish: str, channel: str, headers: dict[str, str]) -> web.Response:
    """Re-encode as "<webp|jpeg>[;quality]"."""
    kind, *_, quality = [*wish.split(";"), ""] if ";" not in wish else wish.split(";")
    if kind not in ("webp", "jpeg") or "a" in channel:
        kind = "webp"
    buffer = BytesIO()
    with Image.open(path, formats=_FORMATS) as image:
        shown = image.convert("RGB") if kind == "jpeg" or channel == "rgb" else image
        shown.save(buffer, kind, quality=min(int(quality), 100) if quality.isdecimal() else 90)
    return web.Response(body=buffer.getvalue(), content_type=f"image/{kind}", headers=headers)


def _channel(path: Path, channel: str, headers: dict[str, str]) -> web.Response:
    buffer = BytesIO()
    with Image.open(path, formats=_FORMATS) as image:
        if channel == "rgb":
            picked = image.convert("RGB")
        else:
            picked = Image.new("RGBA", image.size)
            picked.putalpha(image.convert("RGBA").getchannel("A"))
        picked.info = {}
        picked.save(buffer, "PNG")
    return web.Response(body=buffer.getvalue(), content_type="image/png", headers=headers)
