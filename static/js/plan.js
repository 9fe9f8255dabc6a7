// The timeline: bars are moved by pointer or keyboard, and sent when they are let go (Enter). The server decides; what it
// refuses goes back to where it was, with the reason.

import { csrfToken } from "mainline/texts";
import { refresh } from "mainline/refresh";
import { errorOf } from "mainline/requests";
import { toast, toastError } from "mainline/toasts";

const DAY_MS = 86_400_000;
const UNDO_MS = 12_000;
const STRIP = 48; // So much of the window may stay empty beside a chart before it is drawn anew.
const barOf = (target) => target.closest?.(".plan-bar[data-task]");
const dayWidth = (bar) => Number(bar.ownerSVGElement.dataset.day);

/** How far each bar was moved: {due, days}, in days; kept until it is sent or given up. */
const moves = new WeakMap();

function draw(bar) {
  const { due = 0, days = 0 } = moves.get(bar) ?? {};
  const width = dayWidth(bar);
  bar.dataset.at ??= bar.getAttribute("transform");
  const [x, y] = bar.dataset.at.match(/-?[\d.]+/g).map(Number);
  const length = Number(bar.dataset.days) + days;
  bar.setAttribute("transform", `translate(${x + (due - days) * width} ${y})`);
  const shown = Math.max(length * width, 6);
  const [body, grip] = bar.querySelectorAll("rect");
  body.setAttribute("width", shown);
  grip.setAttribute("x", shown - 6);
  const label = bar.querySelector("text");
  label.dataset.words ??= label.textContent;
  label.setAttribute("x", shown + 6);
  const moving = due !== 0 || days !== 0;
  label.textContent = moving ? `${shift(bar.dataset.due, due).slice(5)}${due ? ` (${due > 0 ? "+" : ""}${due})` : ""}` : label.dataset.words;
  bar.classList.toggle("is-moving", moving);
  bar.setAttribute("aria-valuetext", `${shift(bar.dataset.due, due - length + 1)} – ${shift(bar.dataset.due, due)}`);
}

const shift = (day, by) => new Date(Date.parse(day) + by * DAY_MS).toISOString().slice(0, 10);

function move(bar, { due, days }) {
  moves.set(bar, { due, days: Math.max(days, 1 - Number(bar.dataset.days)) });
  draw(bar);
}

function giveUp(bar) {
  moves.delete(bar);
  draw(bar);
}

async function keep(bar) {
  const { due = 0, days = 0 } = moves.get(bar) ?? {};
  if (!due && !days) return giveUp(bar);
  moves.delete(bar); // Sent once: the chart that comes back takes the focus from this bar, which would send it again.
  const { task, due: was, days: length, seen } = bar.dataset;
  try {
    const said = await send(task, { due: shift(was, due), days: Number(length) + days, seen });
    tell(said, () => takeBack(task, { due: was, days: length, seen: said.seen }));
  } catch (error) {
    giveUp(bar);
    toastError(error.title ? error : { title: String(error.message ?? error) });
  }
}

/** Where a bar was let go is where its order is: what that is at odds with is said, and one click takes it back. */
function tell({ title, detail, undo }, run) {
  toast(title, { tone: detail ? "late" : "done", detail, act: run && { label: undo, run }, lasts_ms: UNDO_MS });
}

async function takeBack(task, place) {
  try {
    tell(await send(task, place), null);
  } catch (error) {
    toastError(error.title ? error : { title: String(error.message ?? error) });
  }
}

async function send(task, place) {
  const response = await fetch(`/tasks/${task}/place`, {
    method: "POST", body: new URLSearchParams(place), headers: { "X-CSRF-Token": csrfToken(), Accept: "application/json", "HX-Request": "true" },
  });
  if (!response.ok) throw errorOf(await response.text(), response.headers.get("Content-Type") ?? "") ?? new Error(response.statusText);
  return response.json();
}

let drag = null;

function onDown(event) {
  const bar = barOf(event.target);
  if (!bar || event.button !== 0) return;
  drag = { bar, x: event.clientX, resize: event.target.matches(".plan-grip"), id: event.pointerId };
  bar.setPointerCapture(event.pointerId);
}

function onMove(event) {
  if (!drag || event.pointerId !== drag.id) return;
  const by = Math.round((event.clientX - drag.x) / dayWidth(drag.bar));
  move(drag.bar, { due: by, days: drag.resize ? by : 0 });
}

function onUp(event) {
  if (!drag || event.pointerId !== drag.id) return;
  const { bar } = drag;
  drag = null;
  if (event.type === "pointercancel") giveUp(bar);
  else keep(bar);
}

function onKey(event) {
  if (event.key === "Escape" && drag) {
    giveUp(drag.bar);
    drag = null;
    return event.preventDefault();
  }
  const bar = barOf(event.target);
  if (!bar) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const { due = 0, days = 0 } = moves.get(bar) ?? {};
  if (step) move(bar, { due: due + step, days: event.shiftKey ? days + step : days });
  else if (event.key === "Enter") keep(bar);
  else if (event.key === "Escape") giveUp(bar);
  else return;
  event.preventDefault();
}

/** The day of today a third from the left; a look that was scrolled by hand stays. */
function showToday() {
  const place = document.getElementById("plan-scroll");
  if (place && !place.scrollLeft) place.scrollLeft = Math.max(0, Number(place.dataset.today) - place.clientWidth / 4);
}

/** A window with more room than the server knew of gets a chart that fills it, now and from then on. */
function fillRoom() {
  const place = document.getElementById("plan-scroll");
  if (!place) return;
  const [names, chart] = [place.querySelector(".plan-names"), place.querySelector(".plan-chart")];
  const room = place.clientWidth - names.offsetWidth;
  document.cookie = `mainline_plan_room=${room}; path=/lines; max-age=31536000; samesite=lax`;
  if (room - chart.clientWidth > STRIP) refresh(document.getElementById("plan"), 0);
}

document.addEventListener("pointerdown", onDown);
document.addEventListener("pointermove", onMove);
document.addEventListener("pointerup", onUp);
document.addEventListener("pointercancel", onUp);
document.addEventListener("keydown", onKey);
document.addEventListener("focusout", ({ target }) => barOf(target) && moves.has(target) && !drag && keep(target));
fillRoom();
showToday();
