// Prompts and pictures.

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
