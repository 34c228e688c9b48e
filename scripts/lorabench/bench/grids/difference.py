"""Show where a picture differs from the one without the LoRA."""

from functools import cache

from PIL import Image, ImageChops

SATURATED = 0.5
"""From this mean absolute difference of the channels on, 0 to 1, a map is brightest."""
_COLOURS = "magma"


def difference_map(picture: Image.Image, baseline: Image.Image) -> Image.Image:
    """Return |a − b| of two RGB pictures of one size, averaged over the channels, in colours.

    Black is no difference. All maps have the same scale, so that they can be compared.
    """
    third = 1 / 3
    grey = ImageChops.difference(picture, baseline).convert("L", (third, third, third, 0))
    return _coloured(grey.point([min(255, round(level / SATURATED)) for level in range(256)]))


def scale_bar(width: int, height: int) -> Image.Image:
    """Return the colours of the maps from no difference to `SATURATED`."""
    return _coloured(Image.linear_gradient("L").rotate(90).resize((width, height)))


def _coloured(levels: Image.Image) -> Image.Image:
    levels.putpalette(_palette())
    return levels.convert("RGB")


@cache
def _palette() -> bytes:
    from matplotlib import colormaps  # half a second that grids without maps need not spend

    return colormaps[_COLOURS](range(256), bytes=True)[:, :3].tobytes()
