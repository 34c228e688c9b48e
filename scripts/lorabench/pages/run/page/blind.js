// Two pictures that differ in weight alone, and nobody says which is which.

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

/** Return all pairs of weights for each prompt and seed; weight 0 only where it has to be. */
function blindPairs() {
  const pairs = [];
  for (const row of rows.values()) {
    if (probing(row[0].variant)) continue;
    const there = row.filter((picture) => picture.id);
    const trained = there.filter((picture) => picture.weight !== 0);
    const asked = trained.length > 1 ? trained : there;
    asked.forEach((one, at) => asked.slice(at + 1).forEach((other) => pairs.push([one, other])));
  }
  return pairs;
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
    left_weight: left.weight,
    right_weight: right.weight,
    left_file: left.file,
    right_file: right.file,
    vote: choice,
  });
  memory.set(votesKey, JSON.stringify(blind.votes));
  nextPair();
}

/** Count for each weight what it won, tied and lost. */
function blindScores() {
  const scores = new Map();
  const count = (weight, result) => {
    const score = scores.get(weight) ?? { won: 0, tied: 0, lost: 0 };
    score[result] += 1;
    scores.set(weight, score);
  };
  for (const { left_weight, right_weight, vote } of blind.votes) {
    const result = { left: ["won", "lost"], right: ["lost", "won"], tie: ["tied", "tied"] }[vote];
    count(left_weight, result[0]);
    count(right_weight, result[1]);
  }
  return [...scores].sort(([one], [other]) => one - other);
}

const shareOf = ({ won, tied, lost }) => (won + tied / 2) / (won + tied + lost);

function scoreTable() {
  const heads = ["grid.weight", "blind.won", "blind.tied", "blind.lost", "blind.share"];
  const percent = new Intl.NumberFormat(root.lang, { style: "percent" });
  const lines = blindScores().map(([weight, score]) =>
    [headOf("row", weightText(weight)), score.won, score.tied, score.lost, percent.format(shareOf(score))]);
  const scores = table("numbers", heads.map((key) => headOf("col", t(key))), lines);
  return make("div", { className: "scroll" }, scores);
}

/** Say how the votes stand to the verdict. */
function blindWords() {
  const scores = blindScores().map(([weight, score]) => [weight, shareOf(score)]);
  const top = Math.max(...scores.map(([, score]) => score));
  const best = scores.filter(([, score]) => score === top).map(([weight]) => weight);
  const even = best.length === scores.length;
  const values = {
    yours: new Intl.ListFormat(root.lang).format(best.map(weightText)),
    weight: data.weight === null ? "" : weightText(data.weight),
    count: blind.votes.length,
  };
  const verdict =
    even ? "blind.all_tied"
    : data.weight === null ? (data.judged ? "blind.no_weight" : "blind.not_judged")
    : best.includes(data.weight) ? "blind.agree"
    : best.some((weight) => data.tie.includes(weight)) ? "blind.in_tie"
    : "blind.differ";
  const few = blind.votes.length < Math.min(20, blind.pairs.length);
  const words = [t(verdict, values), ...(few ? [t("blind.few", values)] : [])];
  return make("p", { className: "standing" }, words.join(root.lang === "ja" ? "" : " "));
}

/** Write the votes as CSV, every field in quotes. */
function votesAsCsv() {
  const names = Object.keys(blind.votes[0]);
  const line = (values) => values.map((value) => `"${String(value).replaceAll('"', '""')}"`).join(",");
  return [line(names), ...blind.votes.map((one) => line(names.map((name) => one[name])))].join("\n") + "\n";
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
    ? t("blind.intro", { pairs: blind.pairs.length })
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
