// Tab strips that are wider than the screen: the open tab is scrolled into view, and an edge fades where more tabs lie.

const strips = () => document.querySelectorAll(".subtabs");

function markEdges(strip) {
  const rest = strip.scrollWidth - strip.clientWidth;
  strip.dataset.more = [strip.scrollLeft > 1 && "start", strip.scrollLeft < rest - 1 && "end"].filter(Boolean).join(" ");
}

function bringIn(tab, strip) {
  const [box, own] = [tab.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollLeft += box.left + box.width / 2 - own.left - own.width / 2;
}

function showOpen(strip) {
  const open = strip.querySelector("[aria-current]");
  if (open) bringIn(open, strip);
  markEdges(strip);
}

/** For the keyboard: a browser leaves a tab alone that is half in view. A pointer must not lose what it is pressing. */
function onFocus({ target }) {
  const strip = target.closest(".subtabs");
  if (strip && target.matches(":focus-visible")) bringIn(target, strip);
}

export function startTabs() {
  strips().forEach(showOpen);
  addEventListener("resize", () => strips().forEach(markEdges));
  document.addEventListener("mainline:swapped", () => strips().forEach(markEdges));
  document.addEventListener("focusin", onFocus);
  // The event of scrolling does not bubble, but is caught on its way down.
  document.addEventListener("scroll", ({ target }) => target.matches?.(".subtabs") && markEdges(target), { capture: true, passive: true });
}
