// Runs side by side: the pictures at a weight, a row enlarged, and the curves.

// The slider: one stop shows each run at its own weight, the others one weight for all.
const slider = byId("weight");
if (slider) {
  const words = all("output [data-stop]");
  const show = () => {
    const stop = words[slider.value].dataset.stop;
    words.forEach((word) => { word.hidden = word.dataset.stop !== stop; });
    all("[data-own]").forEach((label) => {
      label.textContent = stop === "own" ? label.dataset.own : stop;
    });
    all(".grid tbody tr").forEach((row) => {
      let some = false;
      row.querySelectorAll("td").forEach((cell) => {
        let found = false;
        cell.querySelectorAll("img").forEach((image) => {
          image.hidden = !image.dataset.stops.split(" ").includes(stop);
          found ||= !image.hidden;
        });
        cell.querySelector(".gone").hidden = found;
        some ||= found;
      });
      row.hidden = !some;
    });
  };
  slider.addEventListener("input", show);
  show();
}

// A click on a picture enlarges its whole row.
for (const row of all(".grid tbody tr")) {
  const open = () => {
    byId("enlarged-title").replaceChildren(...row.querySelector("th").cloneNode(true).childNodes);
    byId("enlarged-row").replaceChildren(...all("td img:not([hidden])", row).map(({ src, alt }) =>
      make("figure", {}, make("img", { src, alt }), make("figcaption", {}, alt))));
    byId("enlarged").showModal();
  };
  for (const image of all("img", row)) {
    image.tabIndex = 0;
    image.addEventListener("click", open);
    image.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
  }
}

for (const room of all("[data-curves]")) {
  const metric = data.metrics[room.dataset.curves];
  const curves = metric.curves.map(withEnds);
  const weights = [...new Set(curves.flat().map(({ weight }) => weight))].sort((a, b) => a - b);
  chart(room, (width) => drawCurves({ width, weights, curves, label: metric[root.lang] }));
}
startPage();
