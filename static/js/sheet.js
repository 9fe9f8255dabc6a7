// The sheet of a store on a weak network. Each answer is written into the browser's own database as it is typed, with a key by
// which the server takes it once however often it is sent, and leaves it only when the server has it. Closing the page loses nothing.

import { errorOf } from "mainline/requests";
import { refresh } from "mainline/refresh";
import { csrfToken, text } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

const root = document.getElementById("sheet");
const { sheet, me } = root.dataset;
const texts = JSON.parse(root.dataset.texts);
const left = document.getElementById("sheet-left");
const TYPING_MS = 800;
const RETRY_MS = [2000, 5000, 15_000, 30_000, 60_000];
const PHOTO_MOST_PX = 2048;
const PHOTO_QUALITY = 0.85;

// --- what waits: one record an item, the newest answer in place of an earlier one -----------------------------------------

/** In memory what the browser does not keep: in some private modes, and on a phone that is full. */
const fallback = new Map();
const opened = new Promise((resolve) => {
  const request = window.indexedDB?.open("mainline-sheets", 1);
  if (!request) return resolve(null);
  request.onupgradeneeded = () => request.result.createObjectStore("answers", { keyPath: "id" });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => resolve(null);
});

async function store(mode, act) {
  const database = await opened;
  if (!database) return null;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("answers", mode);
    const request = act(transaction.objectStore("answers"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; // the first one only where the line is encrypted
const idOf = (item) => `${me}|${sheet}|${item}`;

async function keep(record) {
  const kept = await store("readwrite", (answers) => answers.put(record)).catch(() => null);
  if (kept === null) fallback.set(record.id, record);
  else fallback.delete(record.id);
}

async function waiting() {
  const stored = (await store("readonly", (answers) => answers.getAll())) ?? [];
  const all = new Map([...stored.map((record) => [record.id, record]), ...fallback]);
  return [...all.values()].filter((record) => record.me === me).sort((one, other) => one.at - other.at);
}

/** Forget an answer, unless a newer one has taken its place meanwhile. */
async function forget(record) {
  const now = (await waiting()).find((other) => other.id === record.id);
  if (now?.key !== record.key) return false;
  await store("readwrite", (answers) => answers.delete(record.id));
  fallback.delete(record.id);
  return true;
}

// --- sending ---------------------------------------------------------------------------------------------------------

let sending = false;
let again = false;
let timer = 0;
let failures = 0;

async function flush() {
  if (sending) return void (again = true);
  sending = true;
  clearTimeout(timer);
  try {
    for (const record of await waiting()) if (!record.held && !(await deliver(record))) return later();
    failures = 0;
  } finally {
    sending = false;
    await show();
  }
  if (again) {
    again = false;
    flush();
  }
}

function later() {
  again = false;
  timer = setTimeout(flush, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  failures += 1;
}

/** False when the network or the server is away and the rest has to wait too. */
async function deliver(record) {
  state(record, texts.sending);
  let response;
  try {
    response = await post(record);
  } catch {
    return false;
  }
  if (response.ok) return arrived(record);
  if (response.status === 401) {
    toast(text("sign_in_again"), { tone: "late" });
    return false;
  }
  if (response.status === 429 || response.status >= 500) return false;
  return refused(record, response);
}

function post(record) {
  const body = new FormData();
  body.set("key", record.item);
  if (record.blob) body.set("photo", record.blob, record.name);
  else {
    body.set("value", record.value);
    body.set("seen", record.seen);
  }
  const headers = { "X-CSRF-Token": csrfToken(), "HX-Request": "true", Accept: "application/json" };
  if (!record.blob) headers["Idempotency-Key"] = record.key;
  const data = record.blob ? body : new URLSearchParams(body);
  return fetch(`/sheets/${record.sheet}/${record.blob ? "photos" : "answers"}`, { method: "POST", credentials: "same-origin", headers, body: data });
}

async function arrived(record) {
  if ((await forget(record)) && record.sheet === sheet) {
    const field = fieldOf(record.item);
    if (field && !record.blob) field.defaultValue = field.value;
    state(record, texts.saved);
    refresh(root);
  }
  return true;
}

/** What the server will not have stays in its field, with the reason, until its writer decides. */
async function refused(record, response) {
  const error = errorOf(await response.text(), response.headers.get("Content-Type") ?? "");
  if (error?.code === "csrf") {
    if (!fallback.size) location.reload(); // signed in anew meanwhile; what waits is sent from the fresh page
    return false;
  }
  if (response.status === 404 || response.status === 403) {
    await forget(record);
    toastError(error);
    refresh(root);
    return true;
  }
  const said = [error?.title ?? texts.gone, error?.message].filter(Boolean).join(" ");
  const held = { ...record, held: said, theirs: error?.facts?.n, closed: error?.code === "check_closed" };
  await keep(held);
  state(held, said, true);
  if (held.closed) refresh(root);
  return true;
}

/** A checklist that was closed is open again: what came too late goes out now. */
async function release() {
  if (!root.querySelector("[data-open]")) return;
  const late = (await waiting()).filter((record) => record.closed && record.sheet === sheet);
  for (const { held: _held, closed: _closed, ...record } of late) await keep({ ...record, key: newKey() });
  if (late.length) flush();
}

// --- the page --------------------------------------------------------------------------------------------------------

const itemOf = (key) => document.getElementById(`answer-${key}`);
const fieldOf = (key) => document.getElementById(`item-${key}`);

function state(record, words, held = false) {
  if (record.sheet !== sheet) return;
  const line = itemOf(record.item)?.querySelector("[data-state]");
  if (!line) return;
  line.textContent = words;
  line.classList.toggle("is-held", held);
  if (held && record.closed) line.append(choice(texts.drop, () => giveUp(record)));
  if (held && record.theirs !== undefined) line.append(choice(texts.mine, () => insist(record)), choice(texts.theirs, () => giveUp(record)));
}

function choice(words, act) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: words });
  button.addEventListener("click", act);
  return button;
}

async function insist(record) {
  const { held: _held, theirs, ...plain } = record;
  await keep({ ...plain, key: newKey(), seen: theirs });
  flush();
}

async function giveUp(record) {
  await forget(record);
  const field = fieldOf(record.item);
  if (field) field.value = field.defaultValue; // else the page would take it for being typed in
  refresh(root, 0);
}

/** Put what waits back over what the server showed, and say how much it is. */
async function show() {
  const records = await waiting();
  for (const record of records.filter((one) => one.sheet === sheet)) {
    const field = fieldOf(record.item);
    if (record.blob) preview(record);
    else if (field?.type === "checkbox") field.checked = record.value === "true";
    else if (field && document.activeElement !== field) field.value = record.value;
    state(record, record.held ?? texts.waiting, Boolean(record.held));
  }
  const open = records.filter((record) => !record.held).length;
  left.hidden = !open || failures === 0;
  left.textContent = texts.left.replace("{n}", open);
}

const shown = new Map(); // item -> [key of the record, address]: a browser keeps what an address stands for until it is given back

function preview(record) {
  const place = itemOf(record.item)?.querySelector(".sheet-photo");
  if (!place) return;
  if (shown.get(record.item)?.[0] !== record.key) {
    if (shown.has(record.item)) URL.revokeObjectURL(shown.get(record.item)[1]);
    shown.set(record.item, [record.key, URL.createObjectURL(record.blob)]);
  }
  place.querySelector(".sheet-shot")?.remove();
  const shot = Object.assign(document.createElement("span"), { className: "sheet-shot" });
  const picture = Object.assign(document.createElement("img"), { src: shown.get(record.item)[1], alt: texts.photo, width: 96, height: 72 });
  shot.append(picture);
  place.querySelector(".sheet-text").after(shot);
}

async function answer(item, value, delay_ms = 0) {
  const seen = Number(itemOf(item).dataset.n);
  const record = { id: idOf(item), me, sheet, item, value, seen, key: newKey(), at: Date.now() };
  await keep(record);
  state(record, texts.waiting);
  clearTimeout(timer);
  timer = setTimeout(flush, delay_ms);
}

/** A photo of twelve megapixels says no more about a shelf than one of three, and takes minutes on such a network. */
async function shrink(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, PHOTO_MOST_PX / Math.max(picture.width, picture.height));
    if (scale === 1 && file.type === "image/jpeg") return file;
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return (await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", PHOTO_QUALITY))) ?? file;
  } catch {
    return file; // a format that this browser cannot draw goes as it is
  }
}

async function takePhoto(item, input) {
  const [file] = input.files;
  if (!file) return;
  const blob = await shrink(file);
  input.value = "";
  const name = blob === file ? file.name : "photo.jpg";
  await keep({ id: idOf(item), me, sheet, item, blob, name, key: newKey(), at: Date.now() });
  await show();
  flush();
}

function onInput({ target }) {
  const item = target.closest("[data-item]")?.dataset;
  if (item && (item.kind === "text" || item.kind === "number")) answer(item.item, target.value, TYPING_MS);
}

function onChange({ target }) {
  const item = target.closest("[data-item]")?.dataset;
  if (!item) return;
  if (item.kind === "tick") answer(item.item, target.checked ? "true" : "");
  else if (item.kind === "photo") takePhoto(item.item, target);
  else flush();
}

root.addEventListener("input", onInput);
root.addEventListener("change", onChange);
root.addEventListener("submit", (event) => event.preventDefault());
root.addEventListener("mainline:swapped", () => show().then(release));
addEventListener("online", flush);
document.addEventListener("visibilitychange", () => !document.hidden && flush());

/** What was answered while this script was still on its way, on a slow network. */
async function catchUp() {
  const kept = new Set((await waiting()).map((record) => record.id));
  for (const { dataset } of root.querySelectorAll("[data-item]")) {
    const field = fieldOf(dataset.item) ?? document.getElementById(`photo-${dataset.item}`);
    if (!field || kept.has(idOf(dataset.item))) continue;
    if (dataset.kind === "photo") await takePhoto(dataset.item, field);
    else if (dataset.kind === "tick" && field.checked !== field.defaultChecked) await answer(dataset.item, field.checked ? "true" : "");
    else if (dataset.kind !== "tick" && field.value !== field.defaultValue) await answer(dataset.item, field.value);
  }
}

root.classList.add("is-live"); // each answer goes by itself: nothing to be saved by hand
catchUp().then(show).then(release).then(flush);
