// Runs in the head, before anything is drawn: the language, and what this browser remembers.
const memory = {
  // A browser may refuse to remember; then nothing is remembered.
  get(key) {
    try { return localStorage.getItem(`lorabench.${key}`); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(`lorabench.${key}`, value); } catch { /* see above */ }
  },
};
document.documentElement.lang =
  memory.get("language") ?? (navigator.language.startsWith("ja") ? "ja" : "en");
