// The set: pictures that load when they are seen, and captions that are found by their words.

startPage();
for (const image of all("img[data-picture]")) showLater(image, image.dataset.picture);

const search = byId("find");
const captions = all(".captions tbody tr").map((row) => ({
  row, text: row.querySelector(".text").textContent.toLowerCase().replaceAll("_", " "),
}));

/** Show the captions that hold what is looked for. */
function filter() {
  const wanted = search.value.trim().toLowerCase();
  let shown = 0;
  for (const { row, text } of captions) {
    row.hidden = !text.includes(wanted);
    shown += !row.hidden;
  }
  byId("found").textContent = t("set.found", { n: shown, count: captions.length });
}

search.addEventListener("input", filter);
worded(filter);
for (const button of all("[data-find]")) {
  button.addEventListener("click", () => {
    search.value = button.dataset.find;
    filter();
    search.scrollIntoView({ block: "center" });
    search.focus({ preventScroll: true });
  });
}
