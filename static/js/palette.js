// Ctrl K: go anywhere by name. Its rows are the navigation and the page's links marked data-palette, filtered as one
// types, then what the search finds, and last the way to the search page.

import { send, text } from "mainline/texts";

const PAUSE_MS = 120;
const ICONS = { line: "timeline-event", task: "clipboard-check", post: "activity", asset: "photo" }; // by the first part of a subject

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");
const own = dialog ? [...list.children] : []; // the navigation's rows
let timer = 0;
let asking = null;

export function openPalette() {
  if (!dialog || dialog.open) return;
  input.value = "";
  list.replaceChildren(...own, ...[...document.querySelectorAll("a[data-palette]")].map((link) => makeRow(link.href, link.textContent.trim(), link.dataset.palette)));
  dialog.showModal();
  filter();
}

function makeRow(url, title, note, icon = "arrow-right") {
  const row = own[0].cloneNode(true);
  row.hidden = false;
  row.removeAttribute("id");
  row.dataset.url = url;
  row.querySelector("span").textContent = title;
  row.querySelector("small").textContent = note;
  const use = row.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#tabler-${icon}`));
  return row;
}

const shown = () => [...list.children].filter((row) => !row.hidden);

function filter() {
  const wanted = input.value.trim().toLowerCase();
  list.querySelectorAll("[data-found]").forEach((row) => row.remove());
  for (const row of list.children) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  settle();
  clearTimeout(timer);
  asking?.abort();
  if (wanted) timer = setTimeout(() => search(input.value.trim()), PAUSE_MS);
}

async function search(question) {
  asking = new AbortController();
  const query = `?q=${encodeURIComponent(question)}`;
  let found = [];
  try {
    const answer = await send(`/api/search${query}`, { signal: asking.signal, headers: { Accept: "application/json" } });
    if (answer.ok) found = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") return; // typed on; the next question is on its way
  }
  const rows = found.map((thing) => makeRow(thing.url, thing.title, thing.note, ICONS[thing.subject.split(":")[0]]));
  rows.push(makeRow(`/search${query}`, `${text("search_all")} “${question}”`, "", "search"));
  rows.forEach((row) => (row.dataset.found = ""));
  list.append(...rows);
  settle(selected());
}

/** Number the rows, keep or make the selection, say so when there is nothing. */
function settle(chosen = shown()[0]) {
  [...list.children].forEach((row, index) => (row.id = `palette-row-${index}`));
  dialog.querySelector(".palette-none").hidden = shown().length > 0;
  select(chosen ?? shown()[0]);
}

function select(chosen) {
  for (const row of list.children) row.setAttribute("aria-selected", String(row === chosen));
  input.setAttribute("aria-activedescendant", chosen?.id ?? "");
  chosen?.scrollIntoView({ block: "nearest" });
}

const selected = () => list.querySelector('[aria-selected="true"]');

function move(step) {
  const rows = shown();
  if (rows.length) select(rows[(rows.indexOf(selected()) + step + rows.length) % rows.length]);
}

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }
  if (event.key === "Enter") {
    const chosen = selected();
    if (chosen) location.assign(chosen.dataset.url);
    else if (input.value.trim()) location.assign(`/search?q=${encodeURIComponent(input.value.trim())}`);
  }
}

export function startPalette() {
  if (!dialog) return;
  input.addEventListener("input", filter);
  input.addEventListener("keydown", onKey);
  list.addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (row) location.assign(row.dataset.url);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-palette]")) openPalette();
  });
}
