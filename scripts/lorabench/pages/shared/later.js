// Pictures stand at the end of the file as text, and become images when they come into view.

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      load(target);
    }
  },
  { rootMargin: "300px", scrollMargin: "300px" },
);

/** Show an embedded picture in an image, once that is in view. */
function showLater(image, id) {
  image.dataset.picture = id;
  watcher.unobserve(image);
  watcher.observe(image);
}

/** Show an embedded picture in an image; none if there is no such picture. */
function show(image, id) {
  image.dataset.picture = id ?? "";
  load(image);
}

function load(image) {
  const element = byId(image.dataset.picture);
  if (document.readyState === "loading" && !element?.nextElementSibling) {
    // Not read yet, or the one that is being read: its text may be cut short.
    document.addEventListener("DOMContentLoaded", () => load(image), { once: true });
    return;
  }
  if (element?.textContent) image.src = `data:image/webp;base64,${element.textContent}`;
  else image.removeAttribute("src");
}
