// Approval pages: sheets instead of reloads, the split view on wide screens.
// Without this script every link and form does the same by itself.

import { swap } from "mainline/refresh";
import { send } from "mainline/texts";

const wide = matchMedia("(min-width: 992px)");

function openSheet(event) {
  const opener = event.target.closest("[data-sheet]");
  const sheet = opener && document.getElementById(opener.dataset.sheet);
  if (!sheet || event.ctrlKey || event.metaKey || event.shiftKey) return false;
  event.preventDefault();
  document.querySelectorAll("dialog.sheet[open]").forEach((other) => other.close());
  sheet.showModal();
  return true;
}

function closeSheet(event) {
  const closer = event.target.closest("[data-close-sheet]");
  if (!closer) return false;
  event.preventDefault();
  closer.closest("dialog").close();
  return true;
}

/** On a wide screen a card opens beside the list. */
async function openPane(event) {
  const card = event.target.closest("a[data-pane]");
  const pane = document.getElementById("pane");
  if (!card || !pane || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  await showPane(card, pane);
  pane.focus({ preventScroll: true });
}

async function showPane(card, pane) {
  const response = await send(card.dataset.pane, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (!response.ok) return location.assign(card.href);
  const room = `approval:${new URL(card.href).pathname.split("/").pop()}`;
  Object.assign(pane.dataset, { room, refreshOn: "main_lines.approval.*", refreshRoom: room, refreshUrl: card.dataset.pane });
  swap(pane, await response.text());
  history.replaceState(null, "", card.href);
  for (const other of document.querySelectorAll("a[data-pane]")) {
    other.classList.toggle("is-open", other === card);
    if (other === card) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
}

/** The list beside a detail is fetched only where there is room for it. */
async function fillWide() {
  const list = document.querySelector("[data-fill-wide]");
  if (!list || !wide.matches || list.childElementCount) return;
  const url = list.dataset.fillWide;
  Object.assign(list.dataset, { refreshOn: "main_lines.approval.*", refreshUrl: url });
  const response = await send(url, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (response.ok) swap(list, await response.text());
}

/** A list without a chosen card shows its first on a wide screen. */
function openFirst() {
  const pane = document.getElementById("pane");
  const first = document.querySelector(".approvals-list a[data-pane]");
  if (wide.matches && pane && first && !pane.dataset.refreshUrl) showPane(first, pane);
}

/** How several decide matters only once several are chosen. */
function showModes() {
  for (const modes of document.querySelectorAll(".mode-choice")) {
    modes.hidden = modes.form.querySelectorAll('input[name="to"]:checked').length < 2;
  }
}

document.addEventListener("click", (event) => openSheet(event) || closeSheet(event) || openPane(event));
document.addEventListener("change", showModes);
wide.addEventListener("change", fillWide);
for (const sheet of document.querySelectorAll("dialog.sheet[open]")) {
  sheet.close();
  sheet.showModal();
}
showModes();
fillWide();
openFirst();
