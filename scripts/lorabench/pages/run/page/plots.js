// The run's numbers as charts and as a table.

const summaryOf = (column) =>
  withEnds(data.summary
    .filter((row) => row.values[column])
    .map(({ weight, values }) => ({ weight, mean: values[column][0], low: values[column][1], high: values[column][2] })));

/** One metric over the weight: mean, interval, limit, usable window, recommended weight. */
function drawMetric(metric, width) {
  const points = summaryOf(metric.column);
  const limit = data.deciding[metric.column] ?? null;
  const weights = data.summary.map((row) => row.weight);
  const under = (frame) => {
    if (data.window) {
      const { element, toX, top, bottom } = frame;
      const [low, high] = data.window.map(toX);
      element.append(svg("rect", { class: "window", x: low - 5, width: high - low + 10, y: top, height: bottom - top }));
    }
    markChosen(frame, data.weight);
    markLimit(frame, limit, weights);
  };
  const label = `${metric[root.lang]}. ${points.map((point) => pointText(point)).join("; ")}`;
  return drawCurves({ width, weights, curves: [points], others: limit === null ? [] : [limit], label, under });
}

function markChosen({ element, toX, top, bottom }, place) {
  if (place === null) return;
  element.append(svg("line", { class: "chosen", x1: toX(place), x2: toX(place), y1: top, y2: bottom }));
}

function markLimit({ element, toX, toY }, limit, places) {
  if (limit === null) return;
  const [x1, x2] = [places[0], places.at(-1)].map(toX);
  element.append(svg("line", { class: "limit", x1, x2, y1: toY(limit), y2: toY(limit) }));
}

/** What a weight costs: the first of these that was measured. */
const costOf = () => ["prompt_kept", "structure"].find((column) => summaryOf(column).length > 1);

/** Style gained over the prompt kept, a point for each weight. */
function drawTradeOff(points, width) {
  const text = ({ weight, kept, gained }) =>
    `${weightText(weight)}: ${numberText(kept.mean)}, ${numberText(gained.mean)}`;
  const x = range(points.flatMap(({ kept }) => [kept.low, kept.high]));
  const { element, toX, toY } = axes({
    width,
    height: Math.min(360, Math.max(260, width * 0.6)),
    x,
    y: range(points.flatMap(({ gained }) => [gained.low, gained.high]), 0.14),
    xTicks: ticks(x[0], x[1], 5),
    xTitle: `${titleOf(costOf())} →`,
    yTitle: `↑ ${titleOf("style_gained")}`,
    label: `${t("plots.trade")}. ${points.map(text).join("; ")}`,
  });
  const places = points.map(({ kept, gained }) => [toX(kept.mean), toY(gained.mean)]);
  element.append(svg("path", { class: "thin", d: path(places) }));
  points.forEach(({ weight, kept, gained }, at) => {
    const [cx, cy] = places[at];
    const kind = weight === data.weight ? "dot best" : isUsable(weight) || !data.window ? "dot" : "dot outside";
    element.append(
      svg("line", { class: "whisker", x1: toX(kept.low), x2: toX(kept.high), y1: cy, y2: cy }),
      svg("line", { class: "whisker", x1: cx, x2: cx, y1: toY(gained.low), y2: toY(gained.high) }),
      svg("circle", { class: kind, cx, cy, r: weight === data.weight ? 7 : 5 }, svg("title", {}, text(points[at]))),
      svg("text", { class: "strong", x: cx + 9, y: cy - 9 }, weightText(weight)),
    );
  });
  return element;
}

const titleOf = (column) => data.metrics.find((metric) => metric.column === column)?.[root.lang] ?? column;

function tradeOffPoints() {
  const gained = new Map(summaryOf("style_gained").map((point) => [point.weight, point]));
  return summaryOf(costOf())
    .filter(({ weight }) => gained.has(weight))
    .map((kept) => ({ weight: kept.weight, kept, gained: gained.get(kept.weight) }));
}

/** The loss over the steps; under `course`, marked where the LoRAs were saved. */
function drawLoss(width, course = null) {
  const { steps, losses, smoothed } = data.loss;
  const heldOut = data.held_out;
  const usual = [...losses].sort((a, b) => a - b)[Math.floor(losses.length * 0.99)] * 1.1;
  const highest = Math.max(usual, ...heldOut.map(([, loss]) => loss * 1.05));
  const frame = axes({
    width,
    height: course ? 190 : 240,
    x: [Math.min(0, steps[0]), steps.at(-1)],
    y: [0, highest || 1],
    xTicks: course ? course.steps : ticks(0, steps.at(-1), 5),
    xText: course ? (step) => String(course.places[course.steps.indexOf(step)]) : numberText,
    xTitle: t(course?.unit === "epoch" ? "train.epoch" : "train.step"),
    label: t("train.loss_summary", { steps: Math.round(steps.at(-1)), first: numberText(smoothed[0]), last: numberText(smoothed.at(-1)) }),
  });
  const { element, toX, toY } = frame;
  if (course && data.weight !== null) markChosen(frame, course.steps[data.lora]);
  const line = (values) => path(values.map((value, at) => [toX(steps[at]), toY(Math.min(value, highest))]));
  element.append(svg("path", { class: "thin", d: line(losses) }), svg("path", { class: "line", d: line(smoothed) }));
  if (heldOut.length) {
    element.append(svg("path", { class: "held-out", d: path(heldOut.map(([step, loss]) => [toX(step), toY(loss)])) }));
    for (const [step, loss] of heldOut) {
      element.append(svg("circle", { class: "held-out", cx: toX(step), cy: toY(loss), r: 2.5 },
        svg("title", {}, `${step}: ${numberText(loss)}`)));
    }
  }
  return element;
}

/** Return a figure of a metric: its title and unit over what `draw` draws at a width. */
function metricFigure(metric, draw) {
  const room = make("div");
  const title = make("strong");
  const unit = make("span", { className: "quiet" });
  const figure = make("figure", { className: "chart" },
    make("figcaption", {}, title, unit), room);
  worded(() => {
    title.textContent = metric[root.lang];
    unit.textContent = metric.unit[root.lang];
  });
  chart(room, (width) => draw(metric, width));
  return figure;
}

function drawTable() {
  const metrics = data.summary_metrics;
  const heads = [t("grid.weight"), ...metrics.map((metric) => metric[root.lang])];
  const lines = data.summary.map((row) => {
    const cells = metrics.map(({ column }) => {
      const [mean, low, high] = row.values[column] ?? [];
      const interval = low === undefined || low === null ? "" : `${numberText(low)} – ${numberText(high)}`;
      return [numberText(mean), make("small", {}, interval)];
    });
    return [headOf("row", weightText(row.weight)), ...cells];
  });
  byId("plots-table").replaceChildren(table("numbers", heads.map((words) => headOf("col", words)), lines));
}

/** Draw what there are numbers for; what the verdict stands on comes first. */
function startPlots() {
  if (data.summary.length) {
    const there = data.summary_metrics.filter(({ column }) => summaryOf(column).length > 1);
    const deciding = Object.keys(data.deciding).flatMap((column) => there.filter((one) => one.column === column));
    const others = there.filter((metric) => !deciding.includes(metric));
    byId("plots-main").append(...deciding.map((metric) => metricFigure(metric, drawMetric)));
    byId("plots-more").append(...others.map((metric) => metricFigure(metric, drawMetric)));
    byId("plots-others").parentElement.hidden = others.length === 0;
    worded(() => { byId("plots-others").textContent = t("plots.more", { count: others.length }); });
    const points = tradeOffPoints();
    const trade = byId("plots-trade");
    if (points.length > 1) chart(trade, (width) => drawTradeOff(points, width));
    else trade.closest("figure").hidden = true;
    worded(drawTable);
  }
  if (data.loss) chart(byId("train-loss"), (width) => drawLoss(width));
}
