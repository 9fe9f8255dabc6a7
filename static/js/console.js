// The console page: asks for the desktop, shows how far it is, connects the picture, comes back after every cut.
//
//   opening -> (up) -> connecting -> connected -> ended -> (up) connecting … | asleep, off, failed: a button
//
// A desktop that went to sleep while this page was open is not woken by the page: that would defeat sleeping. When a
// person wakes it, here or elsewhere, it is wanted running again and the picture comes back.

import { startKeys } from "mainline/console-keys";
import { Screen } from "mainline/console-screen";
import { startRealtime } from "mainline/realtime";
import { send } from "mainline/texts";
import { startToasts, toast } from "mainline/toasts";

const OPENING_POLL_MS = 1000;
const CONNECTED_POLL_MS = 5000;
const RECONNECT_MS = [0, 400, 800, 1200]; // the fourth try begins 2.4 s after the cut
const CONNECT_LIMIT_MS = 8000;
const WARN_S = 60;
const URGENT_S = 20;

const body = document.getElementById("console");
const texts = JSON.parse(document.getElementById("console-texts").textContent);
const api = `/api/desktops/${body.dataset.desktop}`;
const element = (id) => document.getElementById(id);

const screen = new Screen(element("screen"), body.dataset.novnc, (state) => (state === "connected" ? connected() : ended()));
let attempt = 0;
let sleepsAt = null; // milliseconds, our clock
let timer = 0;
let asking = false;
let triedAt = 0; // when a connection was begun that has neither come nor failed, else 0

async function call(path, options = {}) {
  const began = performance.now();
  const response = await send(`${api}${path}`, { ...options, headers: { Accept: "application/json", ...(options.headers ?? {}) } });
  if (response.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(), { status: response.status, ...answer.error });
  if (!options.method) screen.measured(performance.now() - began);
  return answer;
}

function again(delay_ms) {
  clearTimeout(timer);
  timer = setTimeout(look, delay_ms);
}

/** Ask how the desktop is, and do what follows. */
async function look() {
  if (asking) return again(200);
  asking = true;
  try {
    await follow(await call(""));
  } catch (error) {
    if (error.status === 404) return cover({ title: texts.gone, over: true });
    if (!screen.connected) cover({ title: texts.reconnecting, hint: texts.offline });
    again(OPENING_POLL_MS);
  } finally {
    asking = false;
  }
}

async function follow(desktop) {
  sleepsAt = desktop.sleeps_in_s === null ? null : Date.now() + desktop.sleeps_in_s * 1000;
  if (screen.connected) return again(CONNECTED_POLL_MS);
  const trying_ms = performance.now() - triedAt;
  if (triedAt && desktop.up && trying_ms < CONNECT_LIMIT_MS) return again(CONNECT_LIMIT_MS - trying_ms);
  if (desktop.wanted === "gone") return cover({ title: texts.gone, over: true });
  if (desktop.failed) return cover({ title: desktop.words, hint: desktop.problem, verb: texts.retry, act: () => ask("/retry") });
  if (desktop.wanted === "hibernated") return rest(desktop);
  if (desktop.up) return connect();
  cover({ title: desktop.words, hint: desktop.problem || (desktop.overdue ? texts.overdue : desktop.hint), step: desktop.step, steps: desktop.steps });
  again(OPENING_POLL_MS);
}

function rest(desktop) {
  const asleep = desktop.state === "hibernated";
  if (!asleep && desktop.state !== "stopped") {
    cover({ title: desktop.words, hint: desktop.hint });
    return again(OPENING_POLL_MS);
  }
  cover({ title: asleep ? texts.asleep : texts.off, hint: asleep ? texts.asleep_hint : desktop.hint, verb: asleep ? texts.wake : texts.start, act: () => ask("/connect") });
  again(CONNECTED_POLL_MS);
}

/** Tell the product what is wanted, then watch it happen. */
async function ask(path) {
  attempt = 0;
  cover({ title: texts.opening });
  try {
    await call(path, { method: "POST" });
  } catch (error) {
    // Without a title it is no answer of the product's: the network or a proxy on the way failed.
    const words = error.title ? { title: error.title, hint: error.message } : { title: texts.reconnecting, hint: texts.offline };
    return cover({ ...words, verb: texts.retry, act: () => ask(path) });
  }
  again(0);
}

async function connect() {
  const delay_ms = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)];
  attempt += 1;
  cover({ title: attempt > 1 ? texts.reconnecting : texts.connecting_screen });
  await new Promise((done) => setTimeout(done, delay_ms));
  try {
    triedAt = performance.now();
    await screen.open(await call("/console", { method: "POST" }));
  } catch (error) {
    triedAt = 0;
    return again(error.code === "not_ready" ? OPENING_POLL_MS : 400);
  }
  again(CONNECT_LIMIT_MS); // if it neither connects nor ends by then, look again
}

function connected() {
  attempt = 0;
  triedAt = 0;
  element("cover").hidden = true;
  again(CONNECTED_POLL_MS);
}

function ended() {
  triedAt = 0;
  cover({ title: texts.reconnecting });
  again(0);
}

/** over: nothing more will come. */
function cover({ title, hint = "", step = null, steps = 1, verb = "", act = null, over = false }) {
  element("cover").hidden = false;
  element("cover-title").textContent = title;
  element("cover-hint").textContent = hint;
  const progress = element("cover-progress");
  progress.hidden = over || verb !== "";
  if (step === null) progress.removeAttribute("value");
  else Object.assign(progress, { max: steps, value: step });
  const button = element("cover-button");
  button.hidden = verb === "";
  button.textContent = verb;
  button.onclick = act;
}

// Idle: the server decides and hibernates; this only says so in time. Input here is known here first.
function countDown() {
  const banner = element("idle");
  const left_s = sleepsAt === null || !screen.connected ? Infinity : Math.ceil((sleepsAt - Date.now()) / 1000);
  banner.hidden = left_s > WARN_S;
  banner.classList.toggle("is-urgent", left_s <= URGENT_S);
  if (!banner.hidden) banner.textContent = texts.idle.replace("{n}", Math.max(0, left_s));
}

for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"]) {
  element("screen").addEventListener(kind, () => (sleepsAt = null), { passive: true, capture: true });
}
setInterval(countDown, 1000);

/** What VNC cannot carry is not half sent: it stays in the field, and the page says so. */
function refuseText() {
  toast(texts.only_plain, { tone: "late", detail: texts.only_plain_detail });
  return false;
}

element("zoom-button").addEventListener("click", ({ currentTarget: button }) => {
  screen.showNatural(!screen.natural);
  button.setAttribute("aria-pressed", String(screen.natural));
});
element("full-button").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
});
addEventListener("mainline:event", ({ detail }) => detail.rooms?.includes(`desktop:${body.dataset.desktop}`) && again(0));
addEventListener("online", () => again(0));
addEventListener("pagehide", () => screen.close());

startToasts();
startKeys({ screen: () => screen.rfb, sendText: refuseText });
startRealtime();
ask("/connect");
