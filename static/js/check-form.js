// The form of a store checklist: one more row when it is asked for; rows change places by their buttons, and by Alt and an arrow.

const more = document.getElementById("check-more");
const items = document.getElementById("check-items");
const MOST = 40;
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

function add() {
  const row = document.getElementById("check-item").content.firstElementChild.cloneNode(true);
  items.append(row);
  row.querySelector("input").focus();
  more.hidden = items.children.length >= MOST;
}

/** What had the focus keeps it: a node that is moved loses it. */
function move(row, step) {
  const focused = document.activeElement;
  if (step < 0) row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  focused.focus();
}

more.hidden = items.children.length >= MOST;
more.addEventListener("click", add);
items.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (button) move(button.closest("li"), Number(button.dataset.step));
});
items.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || !event.altKey || event.isComposing) return;
  event.preventDefault(); // A number would be counted up, a list be opened.
  move(event.target.closest("li"), step);
});
