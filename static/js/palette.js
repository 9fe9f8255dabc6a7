// Ctrl K: go anywhere by name. Its rows are the navigation, plus any link of the page marked data-palette.

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");

export function openPalette() {
  if (!dialog || dialog.open) return;
  addPageLinks();
  input.value = "";
  dialog.showModal();
  filter();
}

function addPageLinks() {
  list.querySelectorAll("[data-from-page]").forEach((row) => row.remove());
  const example = list.querySelector("li");
  for (const link of document.querySelectorAll("a[data-palette]")) {
    const row = example.cloneNode(true);
    row.dataset.url = link.href;
    row.dataset.fromPage = "";
    row.querySelector("span").textContent = link.textContent.trim();
    row.querySelector("small").textContent = link.dataset.palette;
    list.append(row);
  }
}

const shown = () => [...list.children].filter((row) => !row.hidden);

function filter() {
  const wanted = input.value.trim().toLowerCase();
  for (const row of list.children) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  dialog.querySelector(".palette-none").hidden = shown().length > 0;
  select(shown()[0]);
}

function select(chosen) {
  [...list.children].forEach((row, index) => {
    row.id ||= `palette-row-${index}`;
    row.setAttribute("aria-selected", String(row === chosen));
  });
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
  if (event.key === "Enter" && selected()) location.assign(selected().dataset.url);
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
