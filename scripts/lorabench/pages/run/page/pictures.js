// Prompts and pictures, which load when they are seen.

root.style.setProperty("--shape", data.shape);

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
