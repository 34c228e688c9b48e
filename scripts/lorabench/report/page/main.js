// Start the page: what is at the top first.

startWords();
if (data.pictures.length) {
  startCompare();
  startGrid();
}
startZoom();
startBlind();
startPlots();
for (const image of all("img[data-picture]")) showLater(image, image.dataset.picture);
