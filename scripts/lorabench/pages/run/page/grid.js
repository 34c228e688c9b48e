// The grid: all weights of each prompt and seed as a table, or one weight's pictures side by side.
// Of several LoRAs it shows one or all.

const grid = {
  view: "weights",
  prompt: "all",
  lora: String(data.lora),
  weight: data.weight ?? allWeights.at(-1),
  /** The weight that a sentence of the verdict is about. */
  asked: null,
  cells: [],
  /** Return how many cells stand in a line. */
  across: () => 1,
};

const probing = (variant) => data.variants[variant].probe !== "";

function gridPictures() {
  return [...rows.values()].flat().filter(({ lora, variant }) =>
    (grid.lora === "all" || String(lora) === grid.lora)
    && (grid.prompt === "all" ? !probing(variant) : String(variant) === grid.prompt));
}

const isUsable = (weight, { window } = data) => window && window[0] <= weight && weight <= window[1];

function drawGrid() {
  const pictures = gridPictures();
  const lines = [...grouped(pictures, rowKey).values()];
  const box = byId("grid-table");
  box.replaceChildren(grid.view === "weights" ? gridTable(pictures, lines) : gridGallery(lines));
  box.classList.toggle("scroll", grid.view === "weights");
  const first = grid.cells.find((cell) => cell.picture);
  if (first) first.tabIndex = 0;
  markSides();
  showChosen(box);
  const count = new Set(grid.cells.flatMap(({ picture }) => picture?.file ?? [])).size;
  byId("grid-count").textContent = t("grid.count", { count });
}

/** Return the table of rows over all weights. */
function gridTable(pictures, lines) {
  const weights = [...new Set(pictures.map((picture) => picture.weight))].sort((a, b) => a - b);
  const heads = weights.map(gridHead);
  const cells = lines.map((row) =>
    weights.map((weight) => gridCell(row.find((picture) => picture.weight === weight))));
  grid.cells = cells.flat();
  grid.across = () => weights.length;
  byId("grid-table").style.setProperty("--columns", weights.length);
  const body = lines.map(([first], at) => {
    const title = textOf(first);
    return [make("th", { scope: "row", title }, ...rowWords(first)), ...cells[at]];
  });
  const made = table("cells", [headOf("col", t("grid.prompt")), ...heads], body);
  const asked = made.querySelectorAll(`td:nth-child(${weights.indexOf(grid.asked) + 2})`);
  asked.forEach((cell) => cell.classList.add("asked"));
  return made;
}

function gridHead(weight) {
  const verdict = verdictOn(grid.lora);
  const chosen = weight === verdict.weight;
  const note = chosen ? t("verdict.recommended") : weight === 0 ? t("grid.no_lora") : "";
  const className = `${isUsable(weight, verdict) ? "usable" : ""} ${chosen ? "chosen" : ""} ${weight === grid.asked ? "asked" : ""}`;
  return make("th", { scope: "col", className }, weightText(weight), make("small", {}, note));
}

/** Return what a row is: its LoRA where all are shown, its prompt, the prompt's words, its seed. */
function rowWords(first) {
  return [
    ...(grid.lora === "all" ? [make("b", {}, loraName(first.lora))] : []),
    promptName(first.variant),
    make("small", { className: "text" }, textOf(first) || t("grid.as_workflow")),
    make("small", {}, `${t("grid.seed")} ${seedText(first)}`),
  ];
}

/** Return the pictures of all rows at the slider's weight, as many in a line as there is room. */
function gridGallery(lines) {
  grid.cells = lines.map((row) => gridCell(row.find((picture) => picture.weight === grid.weight)));
  const items = lines.map(([first], at) =>
    make("li", {}, grid.cells[at], make("p", { title: textOf(first) }, ...rowWords(first))));
  const gallery = make("ul", { className: lines.length > 24 ? "gallery many" : "gallery" }, ...items);
  grid.across = () => getComputedStyle(gallery).gridTemplateColumns.split(" ").length;
  return gallery;
}

/** Bring the weight that is asked about, or recommended, into view in a box that is narrower. */
function showChosen(box) {
  const head = box.querySelector("th.asked") ?? box.querySelector(".chosen");
  if (head) reveal(box, head);
}

function reveal(box, { offsetLeft, offsetWidth }) {
  box.scrollLeft = offsetLeft + offsetWidth - box.clientWidth;
}

function gridCell(picture) {
  if (!picture?.id) return make("div", { className: "cell gone" }, t("grid.missing"));
  const image = make("img", { alt: "", decoding: "async" });
  showLater(image, picture.id);
  const cell = make("button", {
    type: "button",
    className: "cell",
    tabIndex: -1,
    ariaLabel: pictureText(picture),
    title: pictureText(picture),
    onclick: () => openZoom(picture),
  }, image);
  cell.picture = picture;
  return cell;
}

/** Show the weight of the slider in the cells that are there: no flicker, no lost place. */
function slideGrid() {
  const weight = grid.weight;
  for (const cell of grid.cells) {
    const picture = cell.picture && rowOf(cell.picture).find((one) => one.weight === weight);
    if (!picture?.id) return drawGrid();
    cell.picture = picture;
    cell.title = cell.ariaLabel = pictureText(picture);
    showLater(cell.firstChild, picture.id);
  }
  markSides();
}

/** Move the focus by rows and columns, over what is missing. */
function moveInGrid(event) {
  const cell = event.target.closest(".cell");
  if (!cell) return;
  const side = event.key.toLowerCase();
  if ((side === "a" || side === "b") && !event.ctrlKey && !event.metaKey) place(side, cell.picture);
  const across = grid.across();
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  if (!step) return;
  event.preventDefault();
  const line = (at) => Math.floor(at / across);
  const from = grid.cells.indexOf(cell);
  let at = from;
  do at += step; while (grid.cells[at] && !grid.cells[at].picture);
  const next = grid.cells[at];
  if (!next || (Math.abs(step) === 1 && line(at) !== line(from) && across > 1)) return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** Fill a list of prompts; probes come after the prompts. */
function fillPrompts(select, first = []) {
  const chosen = select.value;
  const options = data.variants.map((_, at) => make("option", { value: String(at) }, promptName(at)));
  select.replaceChildren(...first, ...options);
  if (chosen) select.value = chosen;
}

/** Fill a list of LoRAs. */
function fillLoras(select, first = []) {
  const chosen = select.value;
  const options = data.loras.map((_, at) => make("option", { value: String(at) }, loraName(at)));
  select.replaceChildren(...first, ...options);
  if (chosen) select.value = chosen;
}

/** Let a slider move over weights; returns a function that sets its weights and its place. */
function weightSlider(input, output, chosen) {
  let weights = [];
  const say = () => {
    output.value = weightText(weights[input.value]);
    input.ariaValueText = output.value;
  };
  input.addEventListener("input", () => {
    say();
    chosen(weights[input.value]);
  });
  return (possible, weight) => {
    weights = possible;
    input.max = weights.length - 1;
    input.value = weights.indexOf(weight);
    say();
  };
}

/** Draw the grid and let it be operated. */
function startGrid() {
  const slider = byId("grid-slider");
  const setSlider = weightSlider(slider.querySelector("input"), slider.querySelector("output"), (weight) => {
    grid.weight = weight;
    slideGrid();
  });
  byId("grid-prompt").addEventListener("change", (event) => {
    grid.prompt = event.target.value;
    drawGrid();
  });
  byId("grid-lora").addEventListener("change", (event) => {
    grid.lora = event.target.value;
    drawGrid();
  });
  byId("grid-table").addEventListener("keydown", moveInGrid);
  grid.weight = allWeights.includes(grid.weight) ? grid.weight : allWeights.at(-1);
  for (const link of all("a.evidence[href='#grid']")) {
    link.addEventListener("click", () => {
      grid.asked = link.dataset.weight ? Number(link.dataset.weight) : null;
      const probed = data.variants.findIndex(({ probe }) => probe && probe === link.dataset.probe);
      grid.prompt = probed < 0 ? "all" : String(probed);
      byId("grid-prompt").value = grid.prompt;
      grid.lora = link.dataset.lora ?? String(data.lora);
      byId("grid-lora").value = grid.lora;
      setView("weights");
    });
  }
  const setView = choice("view", (view) => {
    grid.view = view;
    slider.hidden = view === "weights";
    setSlider(allWeights, grid.weight);
    drawGrid();
  });
  worded(() => {
    const every = make("option", { value: "all" }, t("grid.all_prompts"));
    fillPrompts(byId("grid-prompt"), [every]);
    fillLoras(byId("grid-lora"), [make("option", { value: "all" }, t("grid.all_loras"))]);
    byId("grid-lora").value = grid.lora;
    setView(grid.view);
  });
}
