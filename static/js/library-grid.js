// The grid or list of a folder: selection (mouse, keys, long press), moving by drag, quick preview. Without this script the
// checkboxes and the form around them still delete, and everything opens by its link.
//   arrows move, Enter opens, Space = quick preview, Ctrl or Shift + click and x select, Delete, F2, Escape

import { ask } from "mainline/dialogs";
import { refresh } from "mainline/refresh";
import { csrfToken } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

const LONG_PRESS_MS = 450;
const MOVED = "application/x-mainline-nodes";

const area = document.querySelector("[data-drop]");
const form = document.querySelector("[data-selection]");
const quick = document.getElementById("quick");
const texts = JSON.parse(form.dataset.texts);
const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_all, name) => values[name]);

const chosen = new Set(); // node ids; kept when the list is fetched again
let anchor = null;

const tiles = () => [...area.querySelectorAll("[data-node]")];
const linkOf = (tile) => tile.querySelector("a");
const tileOf = (element) => element?.closest?.("[data-node]");
const mayEdit = Boolean(form.querySelector('[data-verb="delete"]'));

// --- selection --------------------------------------------------------------------------------------------------------

function draw() {
  for (const tile of area.querySelectorAll("[data-node].is-chosen")) if (!chosen.has(tile.dataset.node)) mark(tile, false);
  if (chosen.size) for (const tile of tiles()) if (chosen.has(tile.dataset.node)) mark(tile, true);
  form.classList.toggle("is-open", chosen.size > 0);
  area.classList.toggle("is-choosing", chosen.size > 0);
  form.querySelector("[data-count]").textContent = chosen.size ? say("chosen", { n: chosen.size }) : "";
  const rename = form.querySelector('[data-verb="rename"]');
  if (rename) rename.hidden = chosen.size !== 1;
}

function mark(tile, on) {
  tile.classList.toggle("is-chosen", on);
  tile.querySelector(".asset-check").checked = on;
}

function toggle(tile, on = !chosen.has(tile.dataset.node)) {
  if (on) chosen.add(tile.dataset.node);
  else chosen.delete(tile.dataset.node);
  anchor = tile.dataset.node;
  draw();
}

function extend(tile) {
  const all = tiles();
  const from = all.findIndex((each) => each.dataset.node === anchor);
  const to = all.indexOf(tile);
  for (const each of all.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1)) chosen.add(each.dataset.node);
  draw();
}

function clear() {
  chosen.clear();
  draw();
}

function onClick(event) {
  const tile = tileOf(event.target);
  if (!tile) return;
  if (event.target.matches(".asset-check")) {
    if (event.shiftKey && anchor) extend(tile);
    else toggle(tile, event.target.checked);
    return;
  }
  if (event.shiftKey) extend(tile);
  else if (event.ctrlKey || event.metaKey || (pressed && chosen.size)) toggle(tile);
  else return;
  event.preventDefault();
}

let pressed = false; // a touch is choosing: taps toggle until the selection is empty
function startPress(event) {
  const tile = event.pointerType === "touch" && tileOf(event.target);
  if (!tile) return;
  if (!chosen.size) pressed = false;
  const timer = setTimeout(() => {
    pressed = true;
    toggle(tile, true);
    navigator.vibrate?.(10);
    area.addEventListener("click", (click) => (click.preventDefault(), click.stopImmediatePropagation()), { once: true, capture: true });
  }, LONG_PRESS_MS);
  for (const name of ["pointerup", "pointercancel", "pointermove"]) {
    area.addEventListener(name, (move) => (name !== "pointermove" || Math.hypot(move.clientX - event.clientX, move.clientY - event.clientY) > 10) && clearTimeout(timer), { passive: true, signal: AbortSignal.timeout(2000) });
  }
}

// --- keys -------------------------------------------------------------------------------------------------------------

function beside(tile, key) {
  const all = tiles();
  const at = all.indexOf(tile);
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  const top = tile.offsetTop;
  const below = key === "ArrowDown";
  const rows = below ? all.slice(at + 1) : all.slice(0, at).reverse();
  const next = rows.find((each) => each.offsetTop !== top);
  if (!next) return null;
  const row = rows.filter((each) => each.offsetTop === next.offsetTop);
  return row.reduce((best, each) => (Math.abs(each.offsetLeft - tile.offsetLeft) < Math.abs(best.offsetLeft - tile.offsetLeft) ? each : best));
}

function onKey(event) {
  const tile = tileOf(event.target);
  const { key } = event;
  if (key === "Escape" && chosen.size) return void clear();
  if (event.target.matches("input:not(.asset-check), textarea, select") || event.altKey || event.metaKey) return;
  if (key === "a" && event.ctrlKey && area.contains(event.target)) {
    event.preventDefault();
    for (const each of tiles()) chosen.add(each.dataset.node);
    return void draw();
  }
  if (!tile || event.ctrlKey) return;
  if (["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"].includes(key)) {
    const next = beside(tile, key);
    event.preventDefault();
    if (!next) return;
    if (event.shiftKey) {
      anchor ??= tile.dataset.node;
      chosen.add(tile.dataset.node);
      extend(next);
    }
    linkOf(next).focus();
  } else if (key === " " && !event.target.matches(".asset-check")) {
    event.preventDefault();
    preview(tile);
  } else if (key === "x") toggle(tile);
  else if (key === "Delete" && mayEdit) {
    if (!chosen.size) toggle(tile, true);
    remove();
  } else if (key === "F2" && mayEdit) rename(tile);
}

// --- verbs ------------------------------------------------------------------------------------------------------------

const values = () => tiles().filter((tile) => chosen.has(tile.dataset.node)).map((tile) => `${tile.dataset.node}:${tile.dataset.version}`);

/** True when it was done. */
async function post(url, ids, body = new FormData()) {
  for (const id of ids) body.append("ids", id);
  const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRF-Token": csrfToken(), Accept: "application/json" } }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  if (!answer?.ok) return void toastError(said);
  if (said.said) toast(said.said, { tone: "done" });
  for (const each of said.refused.slice(0, 5)) toast(say("refused", each), { tone: "blocked" });
  clear();
  refresh(area, 0);
  return true;
}

async function remove() {
  const agreed = await ask({ question: say("delete_many", { n: chosen.size }), detail: say("delete_detail"), yes: say("delete"), tone: "danger" });
  if (agreed !== null) await post(form.action, values());
}

async function openMove() {
  const dialog = document.getElementById("move");
  const body = dialog.querySelector("[data-move-body]");
  dialog.showModal();
  const answer = await fetch(`${area.dataset.folder}/picker`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return dialog.close();
  body.innerHTML = await answer.text();
  window.htmx?.process(body);
}

function rename(tile) {
  const dialog = document.getElementById("rename");
  const fields = dialog.querySelector("form");
  fields.action = `/library/nodes/${tile.dataset.node}/name`;
  const field = fields.elements.namedItem("name");
  field.value = tile.dataset.name;
  dialog.showModal();
  const stem = tile.dataset.kind === "file" ? tile.dataset.name.lastIndexOf(".") : -1;
  field.setSelectionRange(0, stem > 0 ? stem : field.value.length);
}

/** Tags for what is chosen; the dialog stays, with what was typed, when they are refused. */
async function sendTags(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  const fields = event.target;
  const body = new FormData(fields);
  body.set("verb", event.submitter?.dataset.send ?? "add");
  if (!(await post(fields.action, values(), body))) return;
  fields.reset();
  fields.closest("dialog").close();
}

async function sendName(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
  const fields = event.target;
  const answer = await fetch(fields.action, { method: "POST", body: new FormData(fields), headers: { "X-CSRF-Token": csrfToken(), Accept: "application/json" }, redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect" && !answer?.ok) return toastError(await answer?.json().catch(() => null));
  fields.closest("dialog").close();
  clear();
  refresh(area, 0);
}

// --- dragging onto a folder -------------------------------------------------------------------------------------------

function onDragStart(event) {
  const tile = tileOf(event.target);
  if (!tile || !mayEdit) return;
  if (!chosen.has(tile.dataset.node)) {
    chosen.clear();
    toggle(tile, true);
  }
  event.dataTransfer.setData(MOVED, "1");
  event.dataTransfer.effectAllowed = "move";
}

/** The folder under the pointer that takes what is dragged: a tile, or a crumb. */
function target(event) {
  if (![...event.dataTransfer.types].includes(MOVED)) return null;
  const tile = tileOf(event.target);
  if (tile?.dataset.kind === "folder" && !chosen.has(tile.dataset.node)) return { element: tile, id: tile.dataset.node };
  const crumb = event.target.closest?.('.crumbs a[href^="/library/folders/"]');
  return crumb ? { element: crumb, id: crumb.getAttribute("href").split("/").pop() } : null;
}

function onDragOver(event) {
  document.querySelector(".takes-drop")?.classList.remove("takes-drop");
  const found = target(event);
  if (!found) return;
  event.preventDefault();
  found.element.classList.add("takes-drop");
}

function onDrop(event) {
  const found = target(event);
  document.querySelector(".takes-drop")?.classList.remove("takes-drop");
  if (!found) return;
  event.preventDefault();
  event.stopPropagation();
  post(`/library/folders/${found.id}/move`, values());
}

// --- quick preview ----------------------------------------------------------------------------------------------------

let shown = null;
function preview(tile) {
  shown = tile;
  const { node, version, name, kind, picture } = tile.dataset;
  const all = tiles();
  quick.querySelector("#quick-name").textContent = name;
  quick.querySelector("#quick-place").textContent = say("of", { n: all.indexOf(tile) + 1, all: all.length });
  quick.querySelector("#quick-open").href = linkOf(tile).href;
  const download = quick.querySelector("#quick-download");
  download.hidden = kind === "folder";
  download.href = `/library/assets/${node}/versions/${version}/content?download`;
  const stage = quick.querySelector("#quick-picture");
  if (picture) {
    const image = Object.assign(new Image(), { alt: name, src: `${picture}?size=large` });
    stage.replaceChildren(image);
  } else stage.replaceChildren(tile.querySelector(".icon").cloneNode(true), document.createTextNode(say("none")));
  if (!quick.open) quick.showModal();
  for (const step of [1, -1]) {
    const near = all[all.indexOf(tile) + step]?.dataset.picture;
    if (near) new Image().src = `${near}?size=large`; // ready when it is asked for
  }
}

function step(by) {
  const all = tiles();
  const next = all[all.findIndex((tile) => tile.dataset.node === shown?.dataset.node) + by];
  if (next) preview(next);
}

function onQuickKey(event) {
  if (event.key === "ArrowRight" || event.key === "ArrowDown") step(1);
  else if (event.key === "ArrowLeft" || event.key === "ArrowUp") step(-1);
  else if (event.key === " ") quick.close();
  else return;
  event.preventDefault();
}

// --- start ------------------------------------------------------------------------------------------------------------

const verbs = {
  move: openMove,
  tags: () => document.getElementById("tagging").showModal(),
  rename: () => rename(tiles().find((tile) => chosen.has(tile.dataset.node))),
  all: () => (tiles().forEach((tile) => chosen.add(tile.dataset.node)), draw()),
  none: clear,
};

function start() {
  area.addEventListener("click", onClick);
  area.addEventListener("pointerdown", startPress, { passive: true });
  area.addEventListener("contextmenu", (event) => pressed && event.preventDefault());
  document.addEventListener("keydown", (event) => !document.querySelector("dialog[open]") && onKey(event));
  area.addEventListener("dragstart", onDragStart);
  document.addEventListener("dragover", onDragOver);
  document.addEventListener("drop", onDrop, true);
  form.addEventListener("click", (event) => {
    const verb = event.target.closest("[data-verb]")?.dataset.verb;
    if (verb in verbs) verbs[verb]();
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.dataset.verb === "zip") return void event.stopImmediatePropagation(); // a download leaves the page as it is
    event.preventDefault();
    event.stopImmediatePropagation();
    remove();
  });
  document.addEventListener("click", (event) => {
    const here = event.target.closest("[data-move-here]");
    if (!here) return;
    document.getElementById("move").close();
    post(`/library/folders/${here.dataset.moveHere}/move`, values());
  });
  document.querySelector("[data-tagging]")?.addEventListener("submit", sendTags, true);
  document.querySelector("[data-rename]")?.addEventListener("submit", sendName, true);
  quick.addEventListener("keydown", onQuickKey);
  quick.addEventListener("click", (event) => step(Number(event.target.closest("[data-quick]")?.dataset.quick ?? 0)));
  quick.addEventListener("close", () => {
    const tile = tiles().find((each) => each.dataset.node === shown?.dataset.node);
    if (tile) linkOf(tile).focus();
  });
  document.querySelector("[data-grid-tools]").addEventListener("change", (event) => event.currentTarget.requestSubmit());
  document.addEventListener("mainline:swapped", () => {
    const count = tiles().length;
    if (count > 48) area.dataset.refreshUrl = area.dataset.refreshUrl.replace(/(&count=\d+)?$/, `&count=${count}`);
    draw();
  });
  draw();
  area.dataset.ready = "";
}

start();
