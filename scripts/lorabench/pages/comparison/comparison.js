"use strict";
// The language: the reader's own, until the button is used.
const root = document.documentElement;
root.lang = navigator.language.startsWith("ja") ? "ja" : "en";
document.getElementById("language").addEventListener("click", () => {
  root.lang = root.lang === "ja" ? "en" : "ja";
});

// The slider: its first stop shows each run at its own weight, the others one weight for all.
const slider = document.getElementById("weight");
if (slider) {
  const words = [...document.querySelectorAll("output [data-stop]")];
  const show = () => {
    const stop = words[slider.value].dataset.stop;
    words.forEach((word) => { word.hidden = word.dataset.stop !== stop; });
    document.querySelectorAll("[data-own]").forEach((label) => {
      label.textContent = stop === "own" ? label.dataset.own : stop;
    });
    document.querySelectorAll(".grid tbody tr").forEach((row) => {
      let some = false;
      row.querySelectorAll("td").forEach((cell) => {
        let found = false;
        cell.querySelectorAll("img").forEach((image) => {
          image.hidden = !image.dataset.stops.split(" ").includes(stop);
          found ||= !image.hidden;
        });
        cell.querySelector(".missing").hidden = found;
        some ||= found;
      });
      row.hidden = !some;
    });
  };
  slider.addEventListener("input", show);
  show();
}

// A click on a picture enlarges its whole row; Escape and a click close it.
const enlarged = document.getElementById("enlarged");
document.querySelectorAll(".grid tbody tr").forEach((row) => {
  const open = () => {
    enlarged.querySelector("p").replaceChildren(...row.querySelector("th").cloneNode(true).childNodes);
    const figures = [...row.querySelectorAll("td img:not([hidden])")].map((image) => {
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = image.alt;
      const copy = new Image();
      copy.src = image.src;
      copy.alt = image.alt;
      figure.append(copy, caption);
      return figure;
    });
    enlarged.querySelector("div").replaceChildren(...figures);
    enlarged.showModal();
  };
  row.querySelectorAll("img").forEach((image) => {
    image.tabIndex = 0;
    image.addEventListener("click", open);
    image.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
  });
});
enlarged.addEventListener("click", (event) => { if (event.target === enlarged) enlarged.close(); });
