// One picture enlarged, with its data and its nearest training picture.

const zoom = { picture: null };
const zoomDialog = byId("zoom");

function openZoom(picture) {
  zoom.picture = picture;
  drawZoom();
  if (!zoomDialog.open) zoomDialog.showModal();
}

function drawZoom() {
  const { picture } = zoom;
  if (!picture) return;
  byId("zoom-title").textContent = pictureText(picture);
  show(byId("zoom-image"), picture.id);
  byId("zoom-image").alt = pictureText(picture);
  byId("zoom-original").href = picture.file;
  byId("zoom-data").replaceChildren(zoomPlace(picture), ...zoomNearest(picture), ...zoomMetrics(picture));
  for (const button of all("[data-move]", zoomDialog)) {
    button.disabled = !neighbour(picture, button.dataset.move);
  }
}

function pairs(entries, className = "pairs") {
  return make("dl", { className }, ...entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function zoomPlace(picture) {
  const variant = data.variants[picture.variant];
  return pairs([
    ...(loraOf(picture) ? [[t("grid.lora"), loraOf(picture)]] : []),
    [t("grid.prompt"), textOf(picture) || t("grid.as_workflow")],
    ...(variant.probe ? [[t("zoom.probe"), promptName(picture.variant)]] : []),
    [t("grid.weight"), weightText(picture.weight)],
    [t("grid.seed"), picture.seed],
    ...(batches ? [[t("grid.batch"), String(picture.index)]] : []),
    [t("zoom.file"), make("code", {}, picture.file)],
  ]);
}

function zoomNearest(picture) {
  const training = data.training[picture.nearest];
  const title = make("h3", {}, t("zoom.nearest"));
  if (!training) return [title, make("p", { className: "quiet" }, t("zoom.no_nearest"))];
  const image = make("img", { alt: training.caption || training.file, className: picture.mirrored ? "mirrored" : "" });
  show(image, picture.nearest);
  const words = make("div", {}, make("p", {}, training.caption), make("code", { className: "quiet" }, training.file));
  if (picture.mirrored) words.append(make("p", { className: "quiet" }, t("zoom.mirrored")));
  return [title, make("div", { className: "nearest" }, image, words)];
}

function zoomMetrics(picture) {
  const entries = data.metrics
    .map((metric, at) => [metric, picture.values[at]])
    .filter(([, value]) => value !== null)
    .map(([metric, value]) => [metric[root.lang], numberText(value)]);
  return entries.length ? [make("h3", {}, t("metrics.title")), pairs(entries, "pairs numbers")] : [];
}

/** Return the picture beside one: by weight within its row, or in the row above or below. */
function neighbour(picture, direction) {
  const row = rowOf(picture);
  if (direction === "left") return row[row.indexOf(picture) - 1];
  if (direction === "right") return row[row.indexOf(picture) + 1];
  const order = [...rows.values()]
    .filter(([first]) => grid.lora === "all" || first.lora === picture.lora);
  const next = order[order.indexOf(row) + (direction === "up" ? -1 : 1)];
  return next && nearestIn(next, picture.weight);
}

function moveZoom(direction) {
  const next = neighbour(zoom.picture, direction);
  if (next) openZoom(next);
}

/** Let the dialog be operated. */
function startZoom() {
  for (const button of all("[data-move]", zoomDialog)) {
    button.addEventListener("click", () => moveZoom(button.dataset.move));
  }
  for (const button of all("[data-place]", zoomDialog)) {
    button.addEventListener("click", () => {
      place(button.dataset.place, zoom.picture);
      zoomDialog.close();
    });
  }
  zoomDialog.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    moveZoom(event.key.slice(5).toLowerCase());
  });
  worded(drawZoom);
}
