// Start the page: what is at the top first.

startPage();
if (data.pictures.length) {
  startCompare();
  startGrid();
}
startMap();
startZoom();
startBlind();
startPlots();
startCourse();
const pictureOf = new Map(rowsWith({ lora: data.lora }).flat().map((picture) => [picture.id, picture]));
for (const button of all("[data-open]")) {
  const picture = pictureOf.get(button.dataset.open);
  button.addEventListener("click", () => openZoom(picture));
  worded(() => { button.title = button.ariaLabel = pictureText(picture); });
}
for (const image of all("img[data-picture]")) showLater(image, image.dataset.picture);
