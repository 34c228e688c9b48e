// What all pages share: the data, elements, words and numbers.

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;

const byId = (id) => document.getElementById(id);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

/** Return an element; names with a dash or an `on` are attributes and listeners. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Return a table: its heads, and lines of cells, each with its own head. */
function table(className, heads, lines) {
  const top = make("thead", {}, make("tr", {}, ...heads));
  const body = lines.map(([head, ...cells]) =>
    make("tr", {}, head, ...cells.map((cell) => make("td", {}, ...[cell].flat()))));
  return make("table", { className }, top, make("tbody", {}, ...body));
}

const headOf = (scope, ...words) => make("th", { scope }, ...words);

// Words

const drawers = [];

/** Call `draw` now and whenever the language changes. */
function worded(draw) {
  drawers.push(draw);
  draw();
}

/** Return a text with its values; of `{n:picture|pictures}` the first word where n is 1. */
function t(key, values = {}) {
  const text = data.texts[root.lang][key];
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (whole, name, one, many) =>
    one === undefined ? values[name] ?? whole : values[name] === 1 ? one : many);
}

function speak(language) {
  root.lang = language;
  memory.set("language", language);
  for (const draw of drawers) draw();
}

/** Keep the words that stand in attributes; let the language be chosen, and dialogs be closed. */
function startPage() {
  for (const button of all("[data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  for (const dialog of all("dialog")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  for (const button of all("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
  worded(() => {
    for (const button of all("[data-language]")) {
      button.setAttribute("aria-pressed", button.dataset.language === root.lang);
    }
    for (const element of all("[data-label]")) element.ariaLabel = t(element.dataset.label);
    for (const image of all("[data-alt]")) image.alt = t(image.dataset.alt);
  });
}

/** Return the things by their key, in order. */
function grouped(things, keyOf) {
  const groups = new Map();
  for (const thing of things) {
    const key = keyOf(thing);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(thing);
  }
  return groups;
}

/** Make a group of buttons a choice of one; returns a function that sets it. */
function choice(attribute, chosen) {
  const buttons = all(`[data-${attribute}]`);
  const set = (value) => {
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset[attribute] === value);
    chosen(value);
  };
  for (const button of buttons) button.addEventListener("click", () => set(button.dataset[attribute]));
  return set;
}

// Numbers

const weightText = (weight) => weight.toFixed(2);

function numberText(value) {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat(root.lang, { maximumSignificantDigits: 3 }).format(value);
}
