// Tab strips that are wider than the screen: the open tab is scrolled into view, and an edge fades where more tabs lie, with an arrow that
// shows them.

const strips = () => document.querySelectorAll(".subtabs");

function markEdges(strip) {
  const rest = strip.scrollWidth - strip.clientWidth;
  const sides = { start: strip.scrollLeft > 1, end: strip.scrollLeft < rest - 1 };
  strip.dataset.more = Object.keys(sides).filter((side) => sides[side]).join(" ");
  for (const more of strip.parentElement.querySelectorAll(":scope > .tabs-more")) more.hidden = !sides[more.matches(".tabs-more-end") ? "end" : "start"];
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

function showMore(button) {
  const strip = button.parentElement.querySelector(".subtabs");
  const step = strip.clientWidth * 0.7 * (button.matches(".tabs-more-end") ? 1 : -1);
  strip.scrollBy({ left: step, behavior: "smooth" });
}

/** For the keyboard: a browser leaves a tab alone that is half in view. A pointer must not lose what it is pressing. */
function onFocus({ target }) {
  const strip = target.closest(".subtabs");
  if (strip && target.matches(":focus-visible")) bringIn(target, strip);
}

export function startTabs() {
  strips().forEach(showOpen);
  // A phone's keyboard changes the height alone; turned, the open tab may lie outside.
  let width = innerWidth;
  addEventListener("resize", () => {
    strips().forEach(innerWidth === width ? markEdges : showOpen);
    width = innerWidth;
  });
  document.addEventListener("click", ({ target }) => {
    const more = target.closest(".tabs-more");
    if (more) showMore(more);
  });
  document.addEventListener("mainline:swapped", () => strips().forEach(markEdges));
  document.addEventListener("focusin", onFocus);
  // The event of scrolling does not bubble, but is caught on its way down.
  document.addEventListener("scroll", ({ target }) => target.matches?.(".subtabs") && markEdges(target), { capture: true, passive: true });
}
