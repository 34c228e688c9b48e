// The grid: all weights of each prompt and seed, or all prompts and seeds at one weight.

const grid = { view: "weights", prompt: "all", weight: data.weight ?? allWeights.at(-1), cells: [] };

const probing = (variant) => data.variants[variant].probe !== "";

function gridPictures() {
  if (grid.prompt === "all") return data.pictures.filter((picture) => !probing(picture.variant));
  return data.pictures.filter((picture) => String(picture.variant) === grid.prompt);
}

/** Return the grid's columns, each with its heading and the picture that a row has there. */
function gridColumns(pictures) {
  if (grid.view === "weights") {
    const weights = [...new Set(pictures.map((picture) => picture.weight))].sort((a, b) => a - b);
    return weights.map((weight) => ({
      head: weightText(weight),
      note: weight === 0 ? t("grid.no_lora") : "",
      usable: isUsable(weight),
      find: (row) => row.find((picture) => picture.weight === weight),
    }));
  }
  const places = new Map(pictures.map((picture) => [`${picture.seed} ${picture.index}`, picture]));
  return [...places].map(([place, picture]) => ({
    head: seedText(picture),
    note: "",
    usable: false,
    find: (row) =>
      row.find((one) => `${one.seed} ${one.index}` === place && one.weight === grid.weight),
  }));
}

const isUsable = (weight) => data.window && data.window[0] <= weight && weight <= data.window[1];

function gridRows(pictures) {
  const byVariant = (picture) => picture.variant;
  return [...grouped(pictures, grid.view === "weights" ? rowKey : byVariant).values()];
}

function drawGrid() {
  const pictures = gridPictures();
  const columns = gridColumns(pictures);
  const corner = grid.view === "weights" ? t("grid.prompt") : t("grid.seed");
  const heads = columns.map(({ head, note, usable }) =>
    make("th", { scope: "col", className: usable ? "usable" : "" }, head, make("small", {}, note)));
  const lines = gridRows(pictures);
  grid.cells = lines.map((row) => columns.map((column) => gridCell(column.find(row))));
  const body = lines.map(([first], at) => {
    const title = data.variants[first.variant].text;
    const head = make("th", { scope: "row", title }, promptName(first.variant));
    if (grid.view === "weights") head.append(make("small", {}, `${t("grid.seed")} ${seedText(first)}`));
    return make("tr", {}, head, ...grid.cells[at].map((cell) => make("td", {}, cell)));
  });
  const top = make("tr", {}, make("th", { scope: "col" }, corner), ...heads);
  byId("grid-table").style.setProperty("--columns", columns.length);
  byId("grid-table").replaceChildren(
    make("table", { className: "cells" }, make("thead", {}, top), make("tbody", {}, ...body)),
  );
  const first = grid.cells.flat().find((cell) => cell.picture);
  if (first) first.tabIndex = 0;
  markSides();
  byId("grid-count").textContent = t("grid.count", {
    count: grid.cells.flat().filter((cell) => cell.picture).length,
  });
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
  for (const cell of grid.cells.flat()) {
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
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const cell = event.target.closest(".cell");
  if (!cell) return;
  const side = event.key.toLowerCase();
  if ((side === "a" || side === "b") && !event.ctrlKey && !event.metaKey) place(side, cell.picture);
  if (!step) return;
  event.preventDefault();
  let row = grid.cells.findIndex((cells) => cells.includes(cell));
  let column = grid.cells[row].indexOf(cell);
  do {
    row += step[0];
    column += step[1];
  } while (grid.cells[row]?.[column] && !grid.cells[row][column].picture);
  const next = grid.cells[row]?.[column];
  if (!next) return;
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
  byId("grid-table").addEventListener("keydown", moveInGrid);
  grid.weight = allWeights.includes(grid.weight) ? grid.weight : allWeights.at(-1);
  const setView = choice("view", (view) => {
    grid.view = view;
    slider.hidden = view === "weights";
    setSlider(allWeights, grid.weight);
    drawGrid();
  });
  worded(() => {
    const every = make("option", { value: "all" }, t("grid.all_prompts"));
    fillPrompts(byId("grid-prompt"), [every]);
    setView(grid.view);
  });
}
