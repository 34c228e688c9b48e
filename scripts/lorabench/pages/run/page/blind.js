// Two pictures that differ in weight or LoRA alone, and nobody says which is which.

const asked = (pictures) => pictures.filter(({ id, variant }) => id && !probing(variant));
const pairsOf = (things) => things.flatMap((one, at) => things.slice(at + 1).map((other) => [one, other]));

const blindDialog = byId("blind-dialog");
const votesKey = `votes.${data.run}`;
const blind = { pairs: blindPairs(), votes: votesKept(), pair: null };

/** Return the votes that this browser keeps; none where what it keeps is no list of votes. */
function votesKept() {
  try {
    const kept = JSON.parse(memory.get(votesKey));
    return Array.isArray(kept) ? kept.filter((one) => ["left", "right", "tie"].includes(one?.vote)) : [];
  } catch { return []; }
}

/** Return all pairs of weights for each prompt and seed, and of LoRAs at the same weight. */
function blindPairs() {
  const found = [...rows.values()].flatMap((row) => {
    const there = asked(row);
    const trained = there.filter((picture) => picture.weight !== 0);
    return pairsOf(trained.length > 1 ? trained : there); // weight 0 only where it has to be
  });
  for (const place of places.values()) {
    const trained = asked(place).filter((picture) => picture.weight !== 0);
    for (const alike of grouped(trained, ({ weight }) => weight).values()) found.push(...pairsOf(alike));
  }
  return found;
}

const filesOf = (pair) => pair.map((picture) => picture.file).sort().join(" ");
const filesVoted = (vote) => [vote.left_file, vote.right_file].sort().join(" ");

function nextPair() {
  const voted = new Set(blind.votes.map(filesVoted));
  const open = blind.pairs.filter((pair) => !voted.has(filesOf(pair)));
  const pair = open[Math.floor(Math.random() * open.length)];
  blind.pair = pair && (Math.random() < 0.5 ? pair : [...pair].reverse());
  if (!blind.pair) return blindDialog.close();
  all(".pair img", blindDialog).forEach((image, side) => show(image, blind.pair[side].id));
  drawCounter();
}

function vote(choice) {
  const [left, right] = blind.pair;
  blind.votes.push({
    time: new Date().toISOString(),
    prompt: data.variants[left.variant].name,
    text: data.variants[left.variant].text,
    seed: left.seed,
    index: left.index,
    ...(several ? { left_lora: keyOf(left), right_lora: keyOf(right) } : {}),
    left_weight: left.weight,
    right_weight: right.weight,
    left_file: left.file,
    right_file: right.file,
    vote: choice,
  });
  memory.set(votesKey, JSON.stringify(blind.votes));
  nextPair();
}

/** Return the key of the LoRA that a picture shows; at weight 0 none. */
const keyOf = ({ lora, weight }) => (weight ? data.loras[lora].key : null);

/** Return the place of the LoRA of a vote's side; votes of a page on one LoRA name files alone. */
function votedLora(vote, side) {
  if (!several || !vote[`${side}_weight`]) return 0;
  const key = vote[`${side}_lora`];
  if (key !== undefined) return data.loras.findIndex((lora) => lora.key === key);
  return allPictures.find(({ file }) => file === vote[`${side}_file`])?.lora ?? data.lora;
}

/** Count for each LoRA and weight what it won, tied and lost. */
function blindScores() {
  const scores = new Map();
  const count = (vote, side, result) => {
    const [lora, weight] = [votedLora(vote, side), vote[`${side}_weight`]];
    const score = scores.get(`${lora} ${weight}`) ?? { lora, weight, won: 0, tied: 0, lost: 0 };
    score[result] += 1;
    scores.set(`${lora} ${weight}`, score);
  };
  for (const one of blind.votes) {
    const result = { left: ["won", "lost"], right: ["lost", "won"], tie: ["tied", "tied"] }[one.vote];
    count(one, "left", result[0]);
    count(one, "right", result[1]);
  }
  return [...scores.values()]
    .filter(({ lora }) => lora >= 0) // else of a LoRA that the run no longer has
    .sort((one, other) => one.lora - other.lora || one.weight - other.weight);
}

/** Return what was voted on in words: a LoRA, where there are several, and a weight. */
function scoreText({ lora, weight }) {
  const name = loraOf({ lora, weight });
  return name ? t("blind.of", { lora: name, weight: weightText(weight) }) : weightText(weight);
}

const shareOf = ({ won, tied, lost }) => (won + tied / 2) / (won + tied + lost);

function scoreTable() {
  const heads = [several ? "grid.lora" : "grid.weight", "blind.won", "blind.tied", "blind.lost", "blind.share"];
  const percent = new Intl.NumberFormat(root.lang, { style: "percent" });
  const lines = blindScores().map((score) =>
    [headOf("row", scoreText(score)), score.won, score.tied, score.lost, percent.format(shareOf(score))]);
  const scores = table("numbers", heads.map((key) => headOf("col", t(key))), lines);
  return make("div", { className: "scroll" }, scores);
}

/** Say how the votes stand to the verdict. */
function blindWords() {
  const scores = blindScores();
  const top = Math.max(...scores.map(shareOf));
  const best = scores.filter((score) => shareOf(score) === top);
  const even = best.length === scores.length;
  const values = {
    yours: new Intl.ListFormat(root.lang).format(best.map(scoreText)),
    weight: data.weight === null ? "" : scoreText(data),
    count: blind.votes.length,
  };
  const verdict =
    even ? (several ? "blind.none_ahead" : "blind.all_tied")
    : data.weight === null ? (data.judged ? "blind.no_weight" : "blind.not_judged")
    : best.some((one) => one.lora === data.lora && one.weight === data.weight) ? "blind.agree"
    : best.some(isAsGood) ? "blind.in_tie"
    : "blind.differ";
  const few = blind.votes.length < Math.min(20, blind.pairs.length);
  const words = [t(verdict, values), ...(few ? [t("blind.few", values)] : [])];
  return make("p", { className: "standing" }, words.join(root.lang === "ja" ? "" : " "));
}

/** Return whether the verdict finds no difference to what it recommends. */
const isAsGood = ({ lora, weight }) =>
  (lora === data.lora && data.tie.includes(weight))
  || (several && data.loras[lora].tied && data.loras[lora].weight === weight);

/** Write the votes as CSV, every field in quotes. */
function votesAsCsv() {
  const names = [...new Set(blind.votes.flatMap(Object.keys))];
  const line = (values) => values.map((value) => `"${String(value).replaceAll('"', '""')}"`).join(",");
  return [line(names), ...blind.votes.map((one) => line(names.map((name) => one[name] ?? "")))].join("\n") + "\n";
}

function votesAsJson() {
  return JSON.stringify({ run: data.run, saved: new Date().toISOString(), votes: blind.votes }, null, 2);
}

function save(name, type, text) {
  const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function clearVotes() {
  if (!confirm(t("blind.clear_sure", { count: blind.votes.length }))) return;
  blind.votes = [];
  memory.set(votesKey, "[]");
  drawBlind();
  byId("blind-start").focus();
}

function drawCounter() {
  const values = { count: blind.votes.length, pairs: blind.pairs.length };
  byId("blind-counter").textContent = t("blind.counter", values);
}

function drawBlind() {
  drawCounter();
  const start = byId("blind-start");
  const some = blind.votes.length > 0;
  start.hidden = blind.votes.length >= blind.pairs.length;
  start.textContent = t(some ? "blind.go_on" : "blind.start");
  byId("blind-intro").textContent = blind.pairs.length
    ? t(several ? "blind.intro_loras" : "blind.intro", { pairs: blind.pairs.length })
    : t("blind.too_few");
  byId("blind-count").textContent = some ? byId("blind-counter").textContent : "";
  const name = `${data.run}-votes`;
  const actions = [
    ["blind.save_json", () => save(`${name}.json`, "application/json", votesAsJson())],
    ["blind.save_csv", () => save(`${name}.csv`, "text/csv", votesAsCsv())],
    ["blind.clear", clearVotes],
  ].map(([key, onclick]) => make("button", { type: "button", onclick }, t(key)));
  const result = [make("h3", {}, t("blind.result")), blindWords(), scoreTable(), make("div", { className: "controls below" }, ...actions)];
  byId("blind-result").replaceChildren(...(some ? result : []));
}

/** Let the test be started and its votes be given. */
function startBlind() {
  byId("blind-start").addEventListener("click", () => {
    blindDialog.showModal();
    nextPair();
  });
  for (const button of all("[data-vote]")) {
    button.addEventListener("click", () => vote(button.dataset.vote));
  }
  blindDialog.addEventListener("keydown", (event) => {
    const choice = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" }[event.key];
    if (!choice || event.repeat) return;
    event.preventDefault();
    vote(choice);
  });
  blindDialog.addEventListener("close", drawBlind);
  worded(drawBlind);
}
