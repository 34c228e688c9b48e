// Prompts, LoRAs and pictures.

root.style.setProperty("--shape", data.shape);

/** Return what a prompt is called on the page. */
const promptName = (variant) => data.variants[variant].label[root.lang];

/** Whether the run has several LoRAs. */
const several = data.loras.length > 1;

/** Return what a LoRA is called on the page. */
const loraName = (lora) => data.loras[lora].label[root.lang];

/** Return which LoRA a picture shows, as far as that is worth saying. */
const loraOf = ({ lora, weight }) => (several && weight ? loraName(lora) : "");

/** Return the weight to use and the window of a LoRA; that of a run's only one is the page's. */
const verdictOn = (lora) => (several ? data.loras[lora] ?? { weight: null, window: null } : data);

/** Return the words that a picture was asked for with. */
const textOf = ({ variant, lora }) => data.loras[lora]?.texts[variant] ?? data.variants[variant].text;

const batches = data.pictures.some((picture) => picture.index > 0);
const seedText = ({ seed, index }) => (batches ? `${seed} · ${index}` : seed);

const pictureText = (picture) =>
  t(loraOf(picture) ? "grid.picture_of" : "grid.picture", {
    lora: loraOf(picture),
    prompt: promptName(picture.variant),
    seed: seedText(picture),
    weight: weightText(picture.weight),
  });

const placeKey = ({ variant, seed, index }) => `${variant} ${seed} ${index}`;
const rowKey = (picture) => `${placeKey(picture)} ${picture.lora}`;

/** All pictures; one at weight 0, which LoRAs share, stands here once for each of them. */
const allPictures = data.pictures.flatMap((picture) =>
  picture.loras.map((lora) => ({ ...picture, lora })));

/** By prompt, seed and place in the batch, the pictures of all LoRAs. */
const places = grouped(allPictures, placeKey);

/** Pictures of one place and LoRA: a row, by ascending weight. */
const rows = grouped([...places.values()].flatMap((place) =>
  place.sort((one, other) => one.lora - other.lora || one.weight - other.weight)), rowKey);

const rowOf = (picture) => rows.get(rowKey(picture));

/** Return the picture of a row that is nearest to a weight. */
const nearestIn = (row, weight) =>
  row.reduce((best, one) =>
    Math.abs(one.weight - weight) < Math.abs(best.weight - weight) ? one : best);

const allWeights = [...new Set(data.pictures.map((picture) => picture.weight))].sort((a, b) => a - b);
