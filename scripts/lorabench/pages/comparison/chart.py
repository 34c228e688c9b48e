"""A metric over the weight as a small SVG: a line and a band for each run."""

from collections.abc import Mapping, Sequence

from lorabench.pages.finished_run import Interval

WIDTH, HEIGHT = 320, 170
COLOURS = 6
"""How many the page has; a seventh run begins anew."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 18, 10, 24


def draw(curves: Sequence[Mapping[float, Interval]]) -> str:
    """Return the SVG of the runs' curves; colours come from the page, as --run-0 and so on."""
    weights = sorted({weight for curve in curves for weight in curve})
    ends = [
        end
        for curve in curves
        for value in curve.values()
        for end in (value.mean, value.low, value.high)
        if end is not None
    ]
    low, high = min(ends), max(ends)
    spare = (high - low or abs(high) or 1) * 0.06
    scale = _Scale(weights[0], weights[-1], low - spare, high + spare)
    inner = [_axes(scale, weights, low, high)]
    inner += [_curve(scale, number, curve) for number, curve in enumerate(curves) if curve]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(inner)}</svg>'


class _Scale:
    def __init__(self, left: float, right: float, bottom: float, top: float) -> None:
        self._left, self._width = left, right - left or 1
        self._bottom, self._height = bottom, top - bottom

    def x(self, weight: float) -> float:
        """Return where a weight is, in px from the left."""
        return round(_LEFT + (weight - self._left) / self._width * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a value is, in px from the top."""
        inside = HEIGHT - _TOP - _BOTTOM
        return round(HEIGHT - _BOTTOM - (value - self._bottom) / self._height * inside, 1)


def _axes(scale: _Scale, weights: Sequence[float], low: float, high: float) -> str:
    right = WIDTH - _RIGHT
    marks = [
        f'<path class="rule" d="M{_LEFT} {scale.y(value)}H{right}"/>'
        f'<text x="{_LEFT - 6}" y="{scale.y(value) + 4}" text-anchor="end">{_short(value)}</text>'
        for value in dict.fromkeys((low, high))
    ]
    step = -(-len(weights) // 7)  # labels of more than seven weights would touch
    marks += [
        f'<text x="{scale.x(weight)}" y="{HEIGHT - 6}" text-anchor="middle">{weight:.2f}</text>'
        for weight in weights[::step]
    ]
    return "".join(marks)


def _short(value: float) -> str:
    """Return three digits of a value, or the whole number: what has room beside the axis."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _curve(scale: _Scale, number: int, curve: Mapping[float, Interval]) -> str:
    points = sorted(curve.items())
    line = " ".join(f"{scale.x(weight)},{scale.y(value.mean)}" for weight, value in points)
    sure = [(w, v.low, v.high) for w, v in points if v.low is not None and v.high is not None]
    upper = [f"{scale.x(weight)},{scale.y(high)}" for weight, _, high in sure]
    lower = [f"{scale.x(weight)},{scale.y(low)}" for weight, low, _ in reversed(sure)]
    dots = "".join(
        f'<circle cx="{scale.x(weight)}" cy="{scale.y(value.mean)}" r="3"/>'
        for weight, value in points
    )
    return (
        f'<g class="run-{number % COLOURS}"><polygon points="{" ".join(upper + lower)}"/>'
        f'<polyline points="{line}"/>{dots}</g>'
    )
