// What all parts share: the data, words, elements, numbers, and pictures that load when seen.

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
root.style.setProperty("--shape", data.shape);

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

/** Keep the words that stand in attributes, and the buttons that choose the language. */
function startWords() {
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

// Prompts and pictures

/** Return what a prompt is called on the page. */
const promptName = (variant) => data.variants[variant].label[root.lang];

const batches = data.pictures.some((picture) => picture.index > 0);
const seedText = ({ seed, index }) => (batches ? `${seed} · ${index}` : seed);

const pictureText = (picture) =>
  t("grid.picture", {
    prompt: promptName(picture.variant),
    seed: seedText(picture),
    weight: weightText(picture.weight),
  });

/** Pictures of one prompt, seed and place in the batch: a row, by ascending weight. */
const rows = grouped(data.pictures, rowKey);
for (const row of rows.values()) row.sort((one, other) => one.weight - other.weight);

function rowKey({ variant, seed, index }) {
  return `${variant} ${seed} ${index}`;
}

const rowOf = (picture) => rows.get(rowKey(picture));

/** Return the picture of a row that is nearest to a weight. */
const nearestIn = (row, weight) =>
  row.reduce((best, one) =>
    Math.abs(one.weight - weight) < Math.abs(best.weight - weight) ? one : best);

const allWeights = [...new Set(data.pictures.map((picture) => picture.weight))].sort((a, b) => a - b);

// The pictures stand at the end of the file as text, and become images when they come into view.

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      load(target);
    }
  },
  { rootMargin: "300px", scrollMargin: "300px" },
);

/** Show an embedded picture in an image, once that is in view. */
function showLater(image, id) {
  image.dataset.picture = id;
  watcher.unobserve(image);
  watcher.observe(image);
}

/** Show an embedded picture in an image; none if there is no such picture. */
function show(image, id) {
  image.dataset.picture = id ?? "";
  load(image);
}

function load(image) {
  const element = byId(image.dataset.picture);
  if (document.readyState === "loading" && !element?.nextElementSibling) {
    // Not read yet, or the one that is being read: its text may be cut short.
    document.addEventListener("DOMContentLoaded", () => load(image), { once: true });
    return;
  }
  if (element?.textContent) image.src = `data:image/webp;base64,${element.textContent}`;
  else image.removeAttribute("src");
}
