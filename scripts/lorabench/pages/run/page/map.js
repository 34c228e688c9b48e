// The map of LoRAs by weights: one stop of the tabulator, in which arrows move.

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Return the next link from a cell in a direction, over cells that have none. */
function linkFrom(cell, [down, right]) {
  const lines = cell.closest("tbody").rows;
  let [row, column] = [cell.parentElement.sectionRowIndex, cell.cellIndex];
  let link = null;
  do {
    row += down;
    column += right;
    link = lines[row]?.cells[column]?.querySelector("a");
  } while (lines[row]?.cells[column] && !link);
  return link;
}

/** Begin at the LoRA and the weight to use. */
function startMap() {
  const links = all(".heat a");
  const best = document.querySelector(".heat .chosen .best a") ?? links[0];
  if (!best) return;
  const enter = (link) => links.forEach((one) => { one.tabIndex = one === link ? 0 : -1; });
  enter(best);
  reveal(best.closest(".scroll"), best.parentElement);
  best.closest("table").addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const next = step && linkFrom(event.target.closest("td"), step);
    if (step) event.preventDefault();
    if (!next) return;
    enter(next);
    next.focus();
  });
}
