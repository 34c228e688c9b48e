// Charts as SVG, drawn at the width that they have, so that a phone gets readable letters.

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Draw a chart into a container, again whenever its width or the language changes. */
function chart(container, draw) {
  const redraw = () => {
    const width = container.clientWidth;
    if (width) container.replaceChildren(draw(width));
  };
  new ResizeObserver(redraw).observe(container);
  worded(redraw);
}

/** Return round numbers within a range, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-6; at += 1) found.push(at * step);
  return found;
}

/** Return the smallest range that holds the values, with some air. */
function range(values, air = 0.08) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * air || Math.abs(high) * air || 0.5;
  return [low - room, high + room];
}

/** Return an empty chart with axes: the element, and functions from values to places. */
function axes({ width, height, x, y, xTicks, xText = numberText, xTitle = "", yTitle = "", label }) {
  const room = { left: 44, right: 12, top: yTitle ? 26 : 10, bottom: xTitle ? 40 : 24 };
  const inner = { width: width - room.left - room.right, height: height - room.top - room.bottom };
  const toX = (value) => room.left + ((value - x[0]) / (x[1] - x[0])) * inner.width;
  const toY = (value) => room.top + (1 - (value - y[0]) / (y[1] - y[0])) * inner.height;
  const element = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const value of ticks(y[0], y[1], 4)) {
    element.append(
      svg("line", { class: "rule", x1: room.left, x2: width - room.right, y1: toY(value), y2: toY(value) }),
      svg("text", { x: room.left - 8, y: toY(value) + 4, "text-anchor": "end" }, numberText(Number(value.toPrecision(6)))),
    );
  }
  let free = -Infinity;
  for (const value of xTicks) {
    const text = xText(value);
    const half = text.length * 3.6;
    if (toX(value) - half < free) continue; // rather no label than two on each other
    free = toX(value) + half + 4;
    element.append(svg("text", { x: toX(value), y: height - room.bottom + 18, "text-anchor": "middle" }, text));
  }
  if (xTitle) element.append(svg("text", { x: width - room.right, y: height - 4, "text-anchor": "end" }, xTitle));
  if (yTitle) element.append(svg("text", { x: 0, y: 12 }, yTitle));
  return { element, toX, toY, top: room.top, bottom: height - room.bottom };
}

const path = (points) => points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** Return points with both ends of their interval: where there is none, the mean. */
const withEnds = (points) =>
  points.map((point) => ({ ...point, low: point.low ?? point.mean, high: point.high ?? point.mean }));

const pointText = ({ weight, mean, low, high }, xText = weightText) =>
  t("plots.interval", { weight: xText(weight), mean: numberText(mean), low: numberText(low), high: numberText(high) });

/**
 * Draw a metric over the weight: for each curve its means and intervals, over what `under` draws.
 *
 * Over another thing, `xText` says what stands on the axis, and `nameOf` what a point is of; points
 * that are not `joined` stand alone.
 */
function drawCurves({
  width, weights, curves, others = [], label, under = () => {}, xText = weightText, nameOf = xText, xTitle = "",
  joined = true,
}) {
  const ends = curves.flat().flatMap(({ low, high }) => [low, high]);
  const frame = axes({
    width, height: 190, x: range(weights, 0.04), y: range([...ends, ...others]), xTicks: weights, xText, xTitle, label,
  });
  const { element, toX, toY } = frame;
  under(frame);
  curves.forEach((points, at) => {
    const upper = points.map(({ weight, high }) => [toX(weight), toY(high)]);
    const lower = points.map(({ weight, low }) => [toX(weight), toY(low)]).reverse();
    const band = path([...upper, ...lower]); // empty for a run without the metric
    const spans = joined
      ? [
        svg("path", { class: "band", d: band && `${band}Z` }),
        svg("path", { class: "line", d: path(points.map(({ weight, mean }) => [toX(weight), toY(mean)])) }),
      ]
      : points.map(({ weight, low, high }) =>
        svg("line", { class: "whisker", x1: toX(weight), x2: toX(weight), y1: toY(low), y2: toY(high) }));
    element.append(svg("g", { class: `run-${at % 6}` }, ...spans,
      ...points.map((point) =>
        svg("circle", { class: "dot", cx: toX(point.weight), cy: toY(point.mean), r: 4 }, svg("title", {}, pointText(point, nameOf))))));
  });
  return element;
}
