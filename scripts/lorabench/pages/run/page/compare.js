// Two pictures, side by side or one wiped over the other.

const compared = { a: null, b: null };
const sideControls = {};

/** Put a picture on a side, and keep the other side with it where both are linked. */
function place(side, picture) {
  const other = side === "a" ? "b" : "a";
  const moved = compared[side] && rowKey(compared[side]) !== rowKey(picture);
  compared[side] = picture;
  if (compared[other] && rowKey(compared[other]) !== rowKey(picture)) {
    if (moved && byId("compare-linked").checked) {
      compared[other] = nearestIn(rowOf(picture), compared[other].weight);
      drawSide(other);
    }
  }
  drawSide(side);
  markSides();
  byId("compare-said").textContent =
    t("compare.placed", { picture: pictureText(picture), side: side.toUpperCase() });
}

function drawSide(side) {
  const picture = compared[side];
  const image = byId("compare-stage").querySelector(`.${side} img`);
  show(image, picture.id);
  image.alt = `${side.toUpperCase()}: ${pictureText(picture)}`;
  const { prompt, seed, setWeight } = sideControls[side];
  prompt.value = String(picture.variant);
  const places = [...rows.values()].map(([first]) => first)
    .filter((first) => first.variant === picture.variant);
  seed.replaceChildren(...places.map((first) => make("option", { value: rowKey(first) }, seedText(first))));
  seed.value = rowKey(picture);
  setWeight(rowOf(picture).map((one) => one.weight), picture.weight);
}

/** Mark in the grid which pictures are compared. */
function markSides() {
  for (const cell of grid.cells) {
    for (const side of ["a", "b"]) {
      cell.classList.toggle(`is-${side}`, Boolean(cell.picture) && cell.picture === compared[side]);
    }
  }
}

function prepareSide(side) {
  const field = document.querySelector(`[data-side="${side}"]`);
  const [prompt, seed, weight] = ["prompt", "seed", "weight"].map((name) => field.querySelector(`[name=${name}]`));
  prompt.addEventListener("change", () => {
    const row = [...rows.values()].find(([first]) => String(first.variant) === prompt.value);
    place(side, nearestIn(row, compared[side].weight));
  });
  seed.addEventListener("change", () => place(side, nearestIn(rows.get(seed.value), compared[side].weight)));
  const setWeight = weightSlider(weight, field.querySelector("output"), (chosen) =>
    place(side, nearestIn(rowOf(compared[side]), chosen)));
  sideControls[side] = { prompt, seed, setWeight };
}

function wipeTo(percent) {
  byId("compare-divider").value = percent;
  byId("compare-stage").style.setProperty("--cut", `${byId("compare-divider").value}%`);
}

/** Let a finger or a mouse drag the divider anywhere on the pictures. */
function dragDivider(event) {
  const stage = byId("compare-stage");
  if (!stage.classList.contains("wipe") || event.target.id === "compare-divider") return;
  if (event.type === "pointermove" && !event.buttons) return;
  const box = stage.getBoundingClientRect();
  wipeTo((100 * (event.clientX - box.left)) / box.width);
}

/** Begin with weight 0 against the recommended one. */
function startCompare() {
  prepareSide("a");
  prepareSide("b");
  const stage = byId("compare-stage");
  byId("compare-divider").addEventListener("input", (event) => wipeTo(event.target.value));
  stage.addEventListener("pointerdown", dragDivider);
  stage.addEventListener("pointermove", dragDivider);
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  choice("mode", (mode) => {
    stage.classList.toggle("wipe", mode === "wipe");
    byId("compare-divider").hidden = mode !== "wipe";
  })("side");
  const first = rows.values().next().value;
  compared.a = first[0];
  compared.b = nearestIn(first, data.weight ?? first.at(-1).weight);
  wipeTo(50);
  worded(() => {
    for (const side of ["a", "b"]) {
      fillPrompts(sideControls[side].prompt);
      drawSide(side);
    }
    markSides();
  });
}
