// Several LoRAs at one weight, over the epochs of their training or one after the other.

const { course } = data;

/** Return a metric's points, by the places of the LoRAs that have it. */
const courseOf = (column) =>
  withEnds(course.values.flatMap((values, at) => {
    const [mean, low, high] = values[column] ?? [];
    return mean === undefined || mean === null ? [] : [{ weight: course.places[at], mean, low, high }];
  }));

const nameAt = (place) => loraName(course.places.indexOf(place));

/** Return what stands at a place of the axis: the epoch or step, else what fits of the name. */
function placeText(place, width) {
  if (course.unit) return String(place);
  const name = nameAt(place);
  const fit = Math.max(3, Math.floor((width - 56) / data.loras.length / 7.5));
  const start = Math.floor(fit / 3); // names of a list often begin alike
  return name.length > fit ? `${name.slice(0, start)}…${name.slice(start + 1 - fit)}` : name;
}

/** One metric of all LoRAs; those of a series are joined. */
function drawCourse(metric, width) {
  const limit = data.deciding[metric.column] ?? null;
  const points = courseOf(metric.column);
  return drawCurves({
    width,
    weights: course.places,
    curves: [points],
    others: limit === null ? [] : [limit],
    label: `${metric[root.lang]}. ${points.map((point) => pointText(point, nameAt)).join("; ")}`,
    under: (frame) => {
      markChosen(frame, data.weight === null ? null : course.places[data.lora]);
      markLimit(frame, limit, course.places);
    },
    xText: (place) => placeText(place, width),
    nameOf: nameAt,
    xTitle: course.unit && t(course.unit === "epoch" ? "train.epoch" : "train.step"),
    joined: course.series,
  });
}

/** Draw what several LoRAs have numbers for, before the loss of their training. */
function startCourse() {
  if (!course) return;
  const there = course.metrics.filter(({ column }) => courseOf(column).length > 1);
  byId("plots-loras").prepend(...there.map((metric) => metricFigure(metric, drawCourse)));
  if (byId("plots-loss")) chart(byId("plots-loss"), (width) => drawLoss(width, course));
}
