// Two pictures, side by side or one wiped over the other.

const compared = { a: null, b: null };
const sideControls = {};

/** Put a picture on a side, and keep the other side with it where both are linked. */
function place(side, picture) {
  const other = side === "a" ? "b" : "a";
  const moved = compared[side] && placeKey(compared[side]) !== placeKey(picture);
  compared[side] = picture;
  if (compared[other] && placeKey(compared[other]) !== placeKey(picture)) {
    if (moved && byId("compare-linked").checked) {
      const { lora, weight } = compared[other];
      compared[other] = nearestIn(rowOf({ ...picture, lora }) ?? rowOf(picture), weight);
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
  const { lora, prompt, seed, setWeight } = sideControls[side];
  lora.value = String(picture.lora);
  prompt.value = String(picture.variant);
  const seeds = rowsWith(picture).map(([first]) => first);
  seed.replaceChildren(...seeds.map((first) => make("option", { value: rowKey(first) }, seedText(first))));
  seed.value = rowKey(picture);
  setWeight(rowOf(picture).map((one) => one.weight), picture.weight);
}

/** Return the rows of a LoRA and, where it is given, a prompt. */
const rowsWith = ({ lora, variant }) =>
  [...rows.values()].filter(([first]) => first.lora === lora && (variant ?? first.variant) === first.variant);

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
  const [lora, prompt, seed, weight] = ["lora", "prompt", "seed", "weight"]
    .map((name) => field.querySelector(`[name=${name}]`));
  const placeFirst = (...rows) => place(side, nearestIn(rows.find(Boolean), compared[side].weight));
  lora.addEventListener("change", () => {
    const other = { ...compared[side], lora: Number(lora.value) };
    placeFirst(rowOf(other), rowsWith({ lora: other.lora })[0]);
  });
  prompt.addEventListener("change", () => {
    const variant = Number(prompt.value);
    const all = [...rows.values()].filter(([first]) => first.variant === variant);
    placeFirst(rowsWith({ lora: compared[side].lora, variant })[0], all[0]);
  });
  seed.addEventListener("change", () => place(side, nearestIn(rows.get(seed.value), compared[side].weight)));
  const setWeight = weightSlider(weight, field.querySelector("output"), (chosen) =>
    place(side, nearestIn(rowOf(compared[side]), chosen)));
  sideControls[side] = { lora, prompt, seed, setWeight };
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

/** Begin with weight 0 against the recommended one, of the recommended LoRA. */
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
  const [first] = rowsWith({ lora: data.lora });
  compared.a = first[0];
  compared.b = nearestIn(first, data.weight ?? first.at(-1).weight);
  wipeTo(50);
  worded(() => {
    for (const side of ["a", "b"]) {
      fillLoras(sideControls[side].lora);
      fillPrompts(sideControls[side].prompt);
      drawSide(side);
    }
    markSides();
  });
}
