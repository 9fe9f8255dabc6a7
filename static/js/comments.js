// Comments on the asset page: numbered pins over the picture, placing one by pointer or by keys, mentions, and drafts that outlive
// a refresh. The server writes the threads (templates/library/_comment_threads.html); each that has a place says it as data-pin.

import { send } from "mainline/texts";

const STEP = 0.02;
const FAR = 0.1;
const DRAG_PX = 8;
const PIN_PX = 30;
const SEARCH_MS = 200;
const SAME_INSTANT_MS = 700;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const drafts = new Map(); // id of a textarea -> what stands in it
const named = new Map(); // id of a textarea -> Map: name -> member id
let mark = null; // where the next comment points: {x, y, w, h, time_ms}
let placing = null; // while a place is being chosen: {x, y, time_ms}
let chosen = ""; // id of the thread that is looked at

const section = () => document.getElementById("comments");
const body = () => section()?.querySelector(".comments-body");
const stage = () => document.getElementById("stage");
const picture = () => stage()?.querySelector("img, video");
const film = () => stage()?.querySelector("video");
const form = () => document.getElementById("comment-form");
const toggle = () => section()?.querySelector("[data-mark-place]");
const threads = () => section()?.querySelectorAll("[data-pin]") ?? [];

function say(key, values = {}) {
  const sentence = JSON.parse(body()?.dataset.texts ?? "{}")[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

// --- pins -----------------------------------------------------------------------------------------------------------

/** The layer over the picture, exactly as large; null while there is no picture. */
function layer() {
  const shown = picture();
  if (!shown) return null;
  let over = stage().querySelector(".pins");
  if (!over) {
    over = Object.assign(document.createElement("div"), { className: "pins" });
    stage().append(over);
    over.addEventListener("pointerdown", onPointerDown);
    watched.disconnect();
    watched.observe(shown);
    shown.addEventListener("timeupdate", showInstant);
    shown.addEventListener("seeked", showInstant);
  }
  const [outer, inner] = [stage().getBoundingClientRect(), shown.getBoundingClientRect()];
  over.style.left = `${inner.left - outer.left - stage().clientLeft}px`;
  over.style.top = `${inner.top - outer.top - stage().clientTop}px`;
  over.style.width = `${inner.width}px`;
  over.style.height = `${inner.height}px`;
  return over;
}

const watched = new ResizeObserver(() => layer());

function draw() {
  const over = layer();
  if (!over) return;
  const focused = over.contains(document.activeElement) ? document.activeElement.dataset.thread : "";
  over.replaceChildren(...[...threads()].filter(isDrawn).flatMap(pinOf));
  if (mark && mark.x !== undefined) over.append(...drawnMark(mark));
  over.classList.toggle("is-placing", placing !== null);
  if (placing) over.append(cursor());
  toggle()?.setAttribute("aria-pressed", String(placing !== null));
  if (focused) over.querySelector(`[data-thread="${focused}"]`)?.focus({ preventScroll: true });
  showInstant();
}

const isDrawn = (row) => row.dataset.place && (row.id === chosen || !row.classList.contains("is-settled"));

function pinOf(row) {
  const [x, y, w, h] = row.dataset.place.split(" ").map(Number);
  const pin = place(Object.assign(document.createElement("button"), { type: "button", className: "pin", textContent: row.dataset.pin }), x, y);
  const words = row.querySelector(".comment-words")?.textContent.slice(0, 80) ?? "";
  pin.dataset.thread = row.id;
  pin.setAttribute("aria-label", say("pin", { n: row.dataset.pin, who: row.dataset.who, words }));
  if (row.dataset.time) pin.dataset.time = row.dataset.time;
  lean(pin, x, y);
  if (row.id === chosen) pin.setAttribute("aria-current", "true");
  return w === undefined ? [pin] : [boxOf(x, y, w, h, pin.dataset), pin];
}

function boxOf(x, y, w, h, { time, thread } = {}) {
  const box = place(Object.assign(document.createElement("span"), { className: "pin-box" }), x, y);
  box.style.width = `${w * 100}%`;
  box.style.height = `${h * 100}%`;
  if (time) box.dataset.time = time;
  box.classList.toggle("is-chosen", thread === chosen);
  return box;
}

/** A pin stands over its point; at the upper edge it hangs below, at the right edge to the left. */
function lean(pin, x, y) {
  const { width, height } = stage().querySelector(".pins").getBoundingClientRect();
  pin.classList.toggle("is-below", y * height < PIN_PX);
  pin.classList.toggle("is-left", (1 - x) * width < PIN_PX);
  return pin;
}

function drawnMark({ x, y, w, h }) {
  const point = place(Object.assign(document.createElement("span"), { className: "pin is-draft", textContent: "+" }), x, y);
  return w ? [boxOf(x, y, w, h), lean(point, x, y)] : [lean(point, x, y)];
}

function place(element, x, y) {
  element.style.left = `${x * 100}%`;
  element.style.top = `${y * 100}%`;
  return element;
}

/** Of a film, only the pins of the instant that is shown. */
function showInstant() {
  const playing = film();
  for (const each of stage()?.querySelectorAll(".pins [data-time]") ?? [])
    each.hidden = Boolean(playing) && Math.abs(playing.currentTime * 1000 - Number(each.dataset.time)) > SAME_INSTANT_MS;
}

// --- looking at one ---------------------------------------------------------------------------------------------------

function choose(id) {
  chosen = id;
  for (const row of section().querySelectorAll(".thread")) row.classList.toggle("is-chosen", row.id === id);
  draw();
}

function showThread(row, target = row) {
  row.closest("details")?.setAttribute("open", "");
  choose(row.id);
  target.scrollIntoView({ block: "nearest" });
  target.focus({ preventScroll: true });
}

function showPin(row) {
  choose(row.id);
  const playing = film();
  if (playing && row.dataset.time) {
    playing.pause();
    playing.currentTime = Number(row.dataset.time) / 1000;
  }
  stage().scrollIntoView({ block: "nearest" });
  const pin = stage().querySelector(`.pins [data-thread="${row.id}"]`);
  if (pin) pin.hidden = false;
  (pin ?? playing)?.focus({ preventScroll: true });
}

/** The address may name a comment: it is looked at when the threads are there. */
function followAddress() {
  const target = /^#comment-\w+$/.test(location.hash) ? section()?.querySelector(location.hash) : null;
  const row = target?.closest(".thread");
  if (row) showThread(row, target);
  return Boolean(row);
}

// --- placing one ------------------------------------------------------------------------------------------------------

function startPlacing() {
  const playing = film();
  playing?.pause();
  placing = { x: 0.5, y: 0.5, ...(playing ? { time_ms: Math.round(playing.currentTime * 1000) } : {}) };
  draw();
  noteMark(say("how"));
  stage().scrollIntoView({ block: "nearest" });
  stage().querySelector(".pin-cursor")?.focus({ preventScroll: true });
}

function stopPlacing() {
  placing = null;
  draw();
  writeMark();
}

function cursor() {
  const aim = Object.assign(document.createElement("button"), { type: "button", className: "pin-cursor" });
  aim.addEventListener("keydown", onAimKey);
  return aimAt(aim);
}

function aimAt(aim) {
  aim.setAttribute("aria-label", say("cursor", { x: Math.round(placing.x * 100), y: Math.round(placing.y * 100) }));
  return place(aim, placing.x, placing.y);
}

function onAimKey(event) {
  if (event.key === "Escape") {
    stopPlacing();
    toggle()?.focus();
  } else if (event.key === "Enter" || event.key === " ") {
    take({ x: placing.x, y: placing.y });
  } else if (ARROWS[event.key]) {
    const step = event.shiftKey ? FAR : STEP;
    const [right, down] = ARROWS[event.key];
    placing.x = inside(placing.x + right * step);
    placing.y = inside(placing.y + down * step);
    aimAt(event.target);
  } else return;
  event.preventDefault();
}

const inside = (value) => Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;

function onPointerDown(event) {
  if (!placing || event.button !== 0) return;
  event.preventDefault();
  const over = event.currentTarget;
  const box = over.getBoundingClientRect();
  const at = ({ clientX, clientY }) => ({ x: inside((clientX - box.left) / box.width), y: inside((clientY - box.top) / box.height) });
  const start = at(event);
  const far = (moved) => Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) > DRAG_PX;
  let drawn = null;
  const move = (moved) => {
    drawn?.remove();
    drawn = far(moved) ? boxOf(...boxBetween(start, at(moved))) : null;
    if (drawn) over.append(drawn);
  };
  const end = (moved) => {
    over.removeEventListener("pointermove", move);
    over.removeEventListener("pointerup", end);
    over.removeEventListener("pointercancel", end);
    if (moved.type === "pointercancel" || !placing) return drawn?.remove();
    const [x, y, w, h] = boxBetween(start, at(moved));
    take(far(moved) && w && h ? { x, y, w, h } : start);
  };
  over.setPointerCapture(event.pointerId);
  over.addEventListener("pointermove", move);
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}

const boxBetween = (one, other) => [
  Math.min(one.x, other.x), Math.min(one.y, other.y), inside(Math.abs(one.x - other.x)), inside(Math.abs(one.y - other.y)),
];

function take(spot) {
  mark = { ...spot, ...(placing.time_ms === undefined ? {} : { time_ms: placing.time_ms }) };
  stopPlacing();
  form()?.elements.words.focus();
}

/** The place into the form, and in words beside it. */
function writeMark() {
  const fields = form()?.elements;
  if (!fields) return;
  for (const name of ["x", "y", "w", "h", "time_ms"]) fields[name].value = mark?.[name] ?? "";
  if (!mark) return noteMark("");
  const seconds = Math.floor((mark.time_ms ?? 0) / 1000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  noteMark([say(mark.w ? "box" : "point"), mark.time_ms === undefined ? "" : say("instant", { time })].filter(Boolean).join(" · "));
}

function noteMark(words) {
  const note = form()?.querySelector(".comment-mark");
  if (!note) return;
  note.textContent = words;
  note.hidden = !words;
  form().querySelector("[data-unmark]").hidden = mark === null;
}

// --- mentions ---------------------------------------------------------------------------------------------------------

let searching = 0;

function onInput({ target }) {
  if (!target.matches?.("#comments textarea")) return;
  drafts.set(target.id, target.value);
  clearTimeout(searching);
  const asked = askedName(target);
  if (asked === null) return closePeople(target);
  searching = setTimeout(() => findPeople(target, asked), SEARCH_MS);
}

function askedName(field) {
  const found = /@([^\s@]{0,20})$/.exec(field.value.slice(0, field.selectionStart));
  return found && !named.get(field.id)?.has(found[1]) ? found[1] : null;
}

const peopleOf = (field) => field.form?.querySelector(".comment-people");

async function findPeople(field, asked) {
  const url = `${body().dataset.people}?q=${encodeURIComponent(asked)}`;
  const answer = await send(url, { headers: { "HX-Request": "true", Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || askedName(field) !== asked) return;
  const list = peopleOf(field);
  if (!list) return;
  list.innerHTML = await answer.text();
  list.hidden = false;
}

function closePeople(field) {
  const list = peopleOf(field);
  if (list) list.hidden = true;
}

function mention(button) {
  const field = button.closest("form").elements.words;
  const { mention: id, name } = button.dataset;
  const end = field.selectionStart;
  const start = field.value.slice(0, end).lastIndexOf("@");
  if (!named.has(field.id)) named.set(field.id, new Map());
  named.get(field.id).set(name, id);
  field.setRangeText(`@${name} `, Math.max(0, start), end, "end");
  drafts.set(field.id, field.value);
  closePeople(field);
  field.focus();
}

/** Those whose name still stands in the words go with the form. */
function onConfigure({ detail }) {
  const { elt } = detail;
  if (!elt.matches?.("#comments [data-comment-form]")) return;
  const people = [...(named.get(elt.elements.words.id) ?? [])].filter(([name]) => elt.elements.words.value.includes(`@${name}`));
  if (people.length) detail.parameters.mention = people.map(([, id]) => id);
}

// --- drafts and events ------------------------------------------------------------------------------------------------

function onSent({ detail }) {
  const { elt, successful } = detail;
  if (!successful || !elt.matches?.("[data-comment-form]")) return;
  const field = elt.elements.words;
  drafts.delete(field.id);
  named.delete(field.id);
  if (elt.id !== "comment-form") return;
  field.value = "";
  mark = null;
  elt.elements.key.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  stopPlacing();
  noteMark(say("sent"));
}

function restoreDrafts() {
  for (const [id, words] of drafts) {
    const field = document.getElementById(id);
    if (!field || field.value === words) continue;
    field.value = words;
    field.closest("details")?.setAttribute("open", "");
  }
}

let followed = false;

function onSwapped() {
  if (!section()) return;
  restoreDrafts();
  if (!placing) writeMark();
  if (chosen) document.getElementById(chosen)?.classList.add("is-chosen");
  draw();
  if (!followed) followed = followAddress();
}

function onClick(event) {
  const { target } = event;
  const pin = target.closest(".pins .pin[data-thread]");
  if (pin) return showThread(document.getElementById(pin.dataset.thread));
  const badge = target.closest("[data-show-pin]");
  if (badge) return showPin(badge.closest(".thread"));
  if (target.closest("[data-mark-place]")) return placing ? stopPlacing() : startPlacing();
  if (target.closest("[data-unmark]")) {
    mark = null;
    return stopPlacing();
  }
  const person = target.closest("[data-mention]");
  if (person) mention(person);
}

function onKey(event) {
  const field = event.target;
  if (!field.closest?.("#comments")) return;
  const people = field.form && peopleOf(field.form.elements.words ?? field);
  const open = people && !people.hidden;
  const first = open && field.matches("textarea") && people.querySelector("button");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field.matches("textarea")) field.form.requestSubmit();
  else if (event.key === "Enter" && first && !event.isComposing) mention(first); // Enter that ends a Chinese word is not for us
  else if (event.key === "Escape" && open) {
    people.hidden = true;
    field.form.elements.words.focus();
  } else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const all = [...people.querySelectorAll("button")];
    const next = all[all.indexOf(field) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next && field.matches("textarea")) return;
    (next ?? field.form.elements.words).focus();
  } else return;
  event.preventDefault();
}

document.addEventListener("input", onInput);
document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
document.addEventListener("htmx:configRequest", onConfigure);
document.addEventListener("htmx:afterRequest", onSent);
addEventListener("mainline:swapped", onSwapped);
addEventListener("hashchange", followAddress);
addEventListener("load", draw);
onSwapped();
