// The form of a store checklist: one more row when it is asked for.

const more = document.getElementById("check-more");
const items = document.getElementById("check-items");
const MOST = 40;

function add() {
  const row = document.getElementById("check-item").content.firstElementChild.cloneNode(true);
  items.append(row);
  row.querySelector("input").focus();
  more.hidden = items.children.length >= MOST;
}

more.hidden = items.children.length >= MOST;
more.addEventListener("click", add);
