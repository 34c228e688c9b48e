"""Styles by other hands than the base model's painter: processed, flat, sketched, painted, sewn.

Each takes the layers of a scene and a source of noise, and returns colours, 0 to 1, of their size.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import Delaunay, KDTree

from base_model.world import Scene
from benchmarks.known_answers.layers import (
    LARGER,
    Layers,
    blend,
    blurred,
    borders,
    brightness,
    distance,
    finished,
    noise,
)

Hand = Callable[[Layers, np.random.Generator], np.ndarray]


def _rgb(*color: int) -> np.ndarray:
    return np.array(color, float) / 255


_WHITE = np.ones(3)


def duotone(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Two inks: navy in the shadows, coral between, cream in the lights."""
    del rng
    light = np.clip((ndimage.gaussian_filter(layers.light, 1.5) - 0.15) / 0.75, 0, 1)
    inks = np.stack([_rgb(24, 28, 84), _rgb(238, 104, 92), _rgb(255, 240, 214)])
    return np.stack([np.interp(light, (0, 0.5, 1), inks[:, c]) for c in range(3)], -1)


def watercolour(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Pale washes that wobble and darken at their edges, on grained paper with a white rim."""
    size = layers.seen.shape
    wobble = [3.5 * noise(size, 14, rng) for _ in range(2)]
    at = np.indices(size) + wobble
    seen = ndimage.map_coordinates(layers.seen, at, order=0, mode="nearest")
    far = distance(~borders(seen))
    wash = blend(layers.colors[seen], _WHITE, np.clip(0.42 + 0.12 * noise(size, 18, rng), 0, 1))
    wash = wash * (1 - 0.28 * np.exp(-far / 4))[..., None]
    y, x = np.indices(size) / size[0]
    rim = np.minimum.reduce([x, y, 1 - x, 1 - y]) + 0.03 * noise(size, 12, rng)
    paper = _rgb(252, 249, 240)
    painted = blend(paper, wash, np.where(layers.figure, 1, np.clip((rim - 0.04) / 0.06, 0, 1)))
    return blurred(painted, 1.2) * (1 - 0.03 * noise(size, 2, rng))[..., None]


def pencil(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Grey lines that break, hatching in the shadows, a breath of colour."""
    size = layers.seen.shape
    broken = 0.75 + 0.25 * noise(size, 10, rng)
    lines = np.exp(-((layers.from_edge / 3.2) ** 2)) * np.clip(broken, 0.2, 1)
    y, x = np.indices(size)
    stripes = np.sin((x + y + 4 * noise(size, 20, rng)) * 2 * np.pi / (6 * LARGER)) > 0.25
    dark = np.clip(0.75 - ndimage.gaussian_filter(layers.light, 2), 0, 1)
    paper = blend(_rgb(246, 242, 232), layers.flat, 0.22)
    ink = np.clip(0.8 * lines + 0.9 * stripes * dark, 0, 1)
    return blend(paper, _rgb(66, 66, 74), ink)


def papercut(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Sheets of muted card, each casting a soft shadow on those below."""
    size = layers.seen.shape
    muted = blend(layers.colors, brightness(layers.colors)[:, None] * _rgb(255, 244, 226), 0.35)
    canvas = np.broadcast_to(muted[0], (*size, 3)).copy()
    for number in np.unique(layers.seen)[1:]:
        sheet = layers.seen >= number  # what lies above casts its shadow with it
        own = layers.seen == number
        cast = ndimage.shift(sheet.astype(float), (4 * LARGER / 2, 3 * LARGER / 2), order=0)
        shade = ndimage.gaussian_filter(cast, 3.5)
        below = layers.seen < number
        canvas[below] *= (1 - 0.4 * shade[below])[:, None]
        canvas[own] = muted[number]
    return canvas * (1 + 0.025 * noise(size, (6, 1.5), rng))[..., None]


def woodcut(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Black blocks with carved waves on tan paper, one tired colour behind them."""
    size = layers.seen.shape
    y, x = np.indices(size)
    colored = blend(_rgb(226, 200, 156), np.roll(layers.flat, (5, 5), (0, 1)), 0.45)
    waves = np.sin((y + 8 * np.sin(x / 40) + 5 * noise(size, 30, rng)) * 2 * np.pi / (9 * LARGER))
    carved = (waves > 0.55) & ~layers.figure & (layers.from_edge > 10)
    wide = 4.5 + 1.5 * noise(size, 8, rng)
    black = (layers.from_edge < wide) | carved | (layers.light < 0.3)
    return blend(colored, _rgb(34, 26, 24), ndimage.gaussian_filter(black.astype(float), 0.8))


def stained_glass(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Panes of glowing glass in thick lead."""
    size = layers.seen.shape
    step = 15 * LARGER
    corners = np.mgrid[-1 : size[0] // step + 2, -1 : size[1] // step + 2].reshape(2, -1).T
    middles = (corners + rng.uniform(0.1, 0.9, corners.shape)) * step
    pixels = np.indices(size).reshape(2, -1).T
    pane = KDTree(middles).query(pixels)[1].reshape(size)
    pane = np.where(layers.figure, 0, pane)  # a figure's shapes are panes of their own
    glow = np.where(layers.figure, 1, rng.uniform(0.72, 1.12, len(middles))[pane])
    deep = np.clip(layers.flat**1.5 * 1.08, 0, 1)
    lead = borders(pane) | borders(layers.seen)
    far = distance(~lead)
    shine = 1 + 0.16 * np.exp(-(((far - 12) / 8) ** 2))
    glass = deep * (glow * shine)[..., None]
    return np.where((far < 3.6)[..., None], _rgb(28, 28, 34), glass)


def impasto(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Thick strokes of a broad brush, lit from the upper left."""
    size = layers.seen.shape
    canvas = Image.fromarray((layers.flat * 255).astype(np.uint8))
    height = Image.new("L", canvas.size, 90)
    paint, relief = ImageDraw.Draw(canvas), ImageDraw.Draw(height)
    swirl = np.pi * (0.3 + 0.25 * noise(size, 60, rng))
    for y, x in rng.integers(0, size[0], (2200, 2)):
        fine = 0.5 if layers.figure[y, x] else 1
        angle, length = swirl[y, x], fine * rng.uniform(12, 22)
        width = int(fine * rng.integers(8, 15))
        away = np.array([np.cos(angle), np.sin(angle)]) * length
        line = [(x - away[0], y - away[1]), (x + away[0], y + away[1])]
        end = np.clip((y + away[1], x + away[0]), 0, size[0] - 1).astype(int)
        if layers.seen[end[0], end[1]] != layers.seen[y, x]:
            line[1] = (x, y)  # a stroke does not leave its shape
        color = layers.flat[y, x] * rng.uniform(0.82, 1.12) + rng.uniform(-0.05, 0.05, 3)
        paint.line(line, tuple((np.clip(color, 0, 1) * 255).astype(int).tolist()), width)
        relief.line(line, int(rng.integers(40, 255)), width)
    steep = ndimage.gaussian_filter(np.asarray(height, float), 1.6)
    light = -(ndimage.sobel(steep, 0) + ndimage.sobel(steep, 1)) / 900
    return np.asarray(canvas) / 255 + np.clip(light, -0.13, 0.13)[..., None]


def blueprint(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """White lines on blue squared paper."""
    size = layers.seen.shape
    y, x = np.indices(size)
    fine = (np.minimum(x % (16 * LARGER), y % (16 * LARGER)) < 2).astype(float)
    blue = blend(_rgb(30, 70, 150), _rgb(70, 116, 196), 0.6 * fine)
    blue = blend(blue, _rgb(86, 130, 205), 0.4 * layers.figure)
    lines = ndimage.gaussian_filter((layers.from_edge < 2.4).astype(float), 0.7)
    return blend(
        blue, _rgb(240, 246, 255), np.clip(lines * (0.95 + 0.1 * noise(size, 6, rng)), 0, 1)
    )


def airbrush(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Soft balls of pastel, no hard edge, a sky that runs from peach to lilac."""
    size = layers.seen.shape
    y = np.linspace(0, 1, size[0])[:, None] * np.ones(size)
    sky = blend(_rgb(255, 218, 200), _rgb(206, 196, 250), y)
    pastel = blend(layers.flat, _WHITE, 0.3)
    ground = blend(pastel, sky, 0.5)
    inside = distance(layers.figure)
    ball = ndimage.gaussian_filter(np.minimum(inside, 40) / 40, 6)
    shaded = blend(pastel * 0.78 + 0.1 * _rgb(120, 60, 160), pastel, ball)
    soft = blurred(np.where(layers.figure[..., None], shaded, ground), 3)
    halo = ndimage.gaussian_filter(layers.figure.astype(float), 16) * ~layers.figure
    return blend(soft, _WHITE, np.clip(0.7 * halo, 0, 1)) + 0.01 * noise(size, 1, rng)[..., None]


def fabric(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """A collage of woven, striped, checked and felted cloth with light stitches."""
    size = layers.seen.shape
    y, x = np.indices(size)
    period = 5 * LARGER
    kinds = np.stack([
        0.16 * np.sign(np.sin(x * 2 * np.pi / period)),
        0.14 * (np.sign(np.sin(x * np.pi / period)) + np.sign(np.sin(y * np.pi / period))),
        0.09 * noise(size, 3, rng),
        0.16 * np.sign(np.sin((x + y) * 2 * np.pi / (1.5 * period))),
    ])  # fmt: skip
    kind = (layers.colors.sum(1) * 97).astype(int) % len(kinds)
    kind[0] = 2
    weave = np.take_along_axis(kinds, kind[layers.seen][None], 0)[0]
    cloth = blend(layers.flat, _rgb(200, 180, 160), 0.2) * (1 + weave)[..., None]
    cloth *= (1 + 0.05 * noise(size, (0.8, 3), rng) + 0.05 * noise(size, (3, 0.8), rng))[..., None]
    sewn = layers.figure & (np.abs(layers.from_edge - 8) < 2.2) & ((x + y) % 22 < 13)
    hem = 1 - 0.35 * np.exp(-layers.from_edge / 2.5)
    return np.where(sewn[..., None], _rgb(255, 250, 235), cloth * hem[..., None])


def neon(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Glowing tubes along all borders, on a black wall."""
    size = layers.seen.shape
    bright = layers.flat - layers.flat.min(-1, keepdims=True)
    bright = bright / np.maximum(bright.max(-1, keepdims=True), 0.05)
    colored = np.where(layers.figure[..., None], 0.25 + 0.75 * bright, 0.7 * bright + 0.1)
    tube = ((layers.from_edge < 3.4) & layers.figure) | (layers.from_edge < 2)
    light = colored * tube[..., None]
    glow = 1.5 * blurred(light, 6) + 1.2 * blurred(light, 16)
    wall = _rgb(14, 10, 24) * (1 + 0.2 * noise(size, 10, rng))[..., None]
    return wall + glow + 0.9 * blurred(light, 0.8)


def low_poly(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Plain triangles, each of one tone."""
    size = layers.seen.shape
    edge = np.argwhere(borders(layers.seen))
    points = [edge[rng.integers(0, len(edge), 260)], rng.integers(0, size[0], (130, 2))]
    frame = np.array([(a, b) for a in (0, 0.5, 1) for b in (0, 0.5, 1)]) * (size[0] - 1)
    mesh = Delaunay(np.concatenate([*points, frame]).astype(float) + rng.uniform(0, 0.3))
    at = np.indices(size).reshape(2, -1).T.astype(float)
    triangle = np.maximum(mesh.find_simplex(np.clip(at, 1, size[0] - 3)), 0).reshape(size)
    tone = rng.uniform(0.86, 1.1, len(mesh.simplices))
    area = np.maximum(np.bincount(triangle.ravel(), minlength=len(tone)), 1)
    sums = [np.bincount(triangle.ravel(), layers.flat[..., c].ravel(), len(tone)) for c in range(3)]
    return (np.stack(sums, -1) / area[:, None] * tone[:, None])[triangle]


def crayon(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Waxy strokes that leave paper between them, outlines of the same wax pressed harder."""
    size = layers.seen.shape
    strokes = ndimage.rotate(noise((2 * size[0], 2 * size[1]), (18, 2.2), rng), 35, reshape=False)
    strokes = strokes[size[0] // 2 :, size[1] // 2 :][: size[0], : size[1]]
    cover = np.clip(0.75 + 0.25 * strokes, 0, 1) * np.where(layers.figure, 1, 0.8)
    wax = layers.flat * 0.94
    drawn = blend(_rgb(253, 251, 246), wax, cover)
    pressed = np.exp(-((layers.from_edge / 5) ** 2)) * np.clip(
        0.8 + 0.4 * noise(size, 4, rng), 0, 1
    )
    return blend(drawn, wax * 0.5, 0.85 * pressed)


def clay(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Modelled in clay and photographed: rounded, lit from the left, on a warm table."""
    size = layers.seen.shape
    body = np.where(layers.figure, layers.seen, 0)
    inside = distance(~borders(body)) * layers.figure
    height = ndimage.gaussian_filter(12 * np.sqrt(np.clip(inside, 0, 24) / 24), 2.2)
    height += 0.5 * noise(size, 5, rng)
    normal = np.stack([ndimage.sobel(height, 0), ndimage.sobel(height, 1)]) / 8
    facing = -0.7 * normal[0] - 0.7 * normal[1]
    lit = 0.84 + 0.3 * np.clip(facing, -1.2, 1)
    gloss = np.clip(facing - 0.55, 0, 1) ** 2
    warm = blend(layers.flat, _rgb(236, 200, 170), np.where(layers.figure, 0.12, 0.4))
    cast = ndimage.shift(layers.figure.astype(float), (9, 12), order=0)
    shade = 1 - 0.45 * ndimage.gaussian_filter(cast, 7) * ~layers.figure
    y, x = np.indices(size) / size[0] - 0.5
    corner = 1 - 0.7 * (x**2 + y**2)
    return warm * (np.where(layers.figure, lit, 1) * shade * corner)[..., None] + gloss[..., None]


def gouache(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """Flat body colour, a little uneven, with a darker lower side and no line."""
    size = layers.seen.shape
    below = ndimage.shift(layers.seen, (-9, -6), order=0, mode="nearest") != layers.seen
    shade = 1 - 0.16 * (below & layers.figure)
    return layers.flat * (shade * (1 + 0.025 * noise(size, 9, rng)))[..., None]


def brush_pen(layers: Layers, rng: np.random.Generator) -> np.ndarray:
    """A line of dark blue ink that swells and thins, around colours that miss it by a little."""
    size = layers.seen.shape
    wide = np.clip(3.2 + 1.6 * noise(size, 14, rng), 1, 7)
    line = ndimage.gaussian_filter((layers.from_edge < wide).astype(float), 0.7) * layers.figure
    missed = blend(np.roll(layers.flat, (-5, 4), (0, 1)), _WHITE, 0.12)
    return blend(missed, _rgb(28, 34, 78), line)


HANDS: dict[str, Hand] = {
    function.__name__.replace("_", " "): function
    for function in (
        *(duotone, watercolour, pencil, papercut, woodcut, stained_glass, impasto),
        *(blueprint, airbrush, fabric, neon, low_poly, crayon, clay, gouache, brush_pen),
    )
}
"""The styles by name."""


def draw(scene: Scene, layers: Layers, hand: str) -> Image.Image:
    """Return the layers of `scene` in the style of `hand`."""
    return finished(HANDS[hand](layers, np.random.default_rng(scene.seed)))
