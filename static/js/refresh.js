// Pages that move by themselves. An element with
//   data-refresh-on="main_lines.* library.version.committed"   event kinds, "*" as wildcard
//   data-refresh-url="/lines/…/feed"                            its fragment
//   data-refresh-room="line:…"                                  optional: only events of this room, or about what it is the room of
//   data-keep="3" on an element with an id inside               stays as it is while the new content has the same there
//   data-stays on a checkbox with an id inside                  stays chosen while it stands for the same value
// is fetched again when such an event arrives: at once after a quiet second, so that a single save is seen without delay; in a
// flurry, events within 60 ms cost one request.

import { fits } from "mainline/feed";
import { send } from "mainline/texts";

const GATHER_MS = 60;
const QUIET_MS = 1000;
const OCCUPIED_RETRY_MS = 1000;
const MARKED_MS = 2500; // as long as the longest "arrive" animation

const marks = new WeakMap(); // element -> Map: id of a row that came by itself -> when
const states = new WeakMap(); // element -> {timer, running, again, ended}: ended is when it was last fetched

function stateOf(element) {
  if (!states.has(element)) states.set(element, { timer: 0, running: false, again: false, ended: -QUIET_MS });
  return states.get(element);
}

/** Fetch the element's fragment soon; calls that come close together are one. */
export function refresh(element, delay_ms) {
  const state = stateOf(element);
  delay_ms ??= performance.now() - state.ended > QUIET_MS ? 0 : GATHER_MS;
  if (state.running) state.again = true;
  else if (!state.timer) state.timer = setTimeout(() => run(element, state), delay_ms);
}

async function run(element, state) {
  state.timer = 0;
  if (!element.isConnected) return;
  if (document.hidden) return void (state.again = true); // fetched when the page is looked at
  if (occupied(element)) return refresh(element, OCCUPIED_RETRY_MS);
  state.running = true;
  state.again = false;
  let html;
  try {
    html = await load(element);
  } catch {
    state.again = true; // the network is away; the next event or reconnect asks again
    return;
  } finally {
    state.running = false;
    state.ended = performance.now();
  }
  if (html !== null && occupied(element)) return refresh(element, OCCUPIED_RETRY_MS); // meanwhile, on a slow line
  if (html !== null) swap(element, html);
  if (state.again) refresh(element);
}

const WRITTEN = "textarea, input:not([type=checkbox], [type=radio], [type=file])";
let writing = null; // the field in which somebody writes, until they leave it: its caret, and a Chinese word half entered, are theirs

/** Somebody is typing or has a menu open in it: replacing it now would destroy their work. */
function occupied(element) {
  const focused = document.activeElement;
  const typing = element.contains(focused) && focused.matches("input, textarea, select") && (focused.value !== focused.defaultValue || (focused === writing && focused.value));
  return typing || element.querySelector("dialog[open], .dropdown-menu.show") !== null;
}

/** The fragment; null when there is none any more: what the reader may not see goes at once. */
async function load(element) {
  const response = await send(element.dataset.refreshUrl, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (response.ok) return response.text();
  if (response.status === 401) location.reload();
  else if (response.status === 403 || response.status === 404) element.replaceChildren();
  else throw new Error(String(response.status));
  return null;
}

/** Replace the content; keep focus, scroll positions and open <details>; mark rows that were not there before. */
export function swap(element, html) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...element.querySelectorAll("[id]")].filter((e) => e.scrollTop || e.scrollLeft).map((e) => [e.id, e.scrollTop, e.scrollLeft]);
  const opened = [...element.querySelectorAll("details[open][id]")].map((e) => e.id);
  const known = new Set([...element.querySelectorAll("li[id], tr[id], [data-flash][id]")].map((e) => e.id));
  const own = [element.scrollTop, element.scrollLeft];
  const kept = [...element.querySelectorAll("[data-keep][id]")];
  const chosen = [...element.querySelectorAll("input[data-stays][id]:checked")].map((e) => [e.id, e.value]);
  element.innerHTML = html;
  const inside = (id) => element.querySelector(`#${CSS.escape(id)}`);
  for (const each of kept) {
    const place = inside(each.id);
    if (place?.dataset.keep === each.dataset.keep) place.replaceWith(each);
  }
  for (const [id, value] of chosen) if (inside(id)?.value === value) inside(id).checked = true; // Else it is not what was chosen.
  if (known.size) markNew(element, known);
  for (const id of opened) inside(id)?.setAttribute("open", "");
  for (const [id, top, left] of scrolled) inside(id)?.scrollTo({ top, left, behavior: "instant" });
  element.scrollTo({ top: own[0], left: own[1], behavior: "instant" });
  if (focused) inside(focused)?.focus({ preventScroll: true });
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("mainline:swapped", { bubbles: true }));
}

/** Mark the rows that are not among the known ids; when fetched again meanwhile, they go on from where their animation was. */
function markNew(element, known) {
  const now = performance.now();
  const before = marks.get(element);
  const fresh = new Map();
  for (const row of element.querySelectorAll("li[id], tr[id], [data-flash][id]")) {
    const since = known.has(row.id) ? before?.get(row.id) : now;
    if (now - since < MARKED_MS) {
      row.classList.add("is-new");
      row.style.animationDelay = `${since - now}ms`;
      fresh.set(row.id, since);
    }
  }
  marks.set(element, fresh);
}

const refreshable = () => document.querySelectorAll("[data-refresh-on][data-refresh-url]");

/** A room of its own inside another, such as that of a folder in its library's, is named after it with a slash. */
const lies = (room, outer) => room === outer || room.startsWith(`${outer}/`);

/** Somebody may not see a part of what a page shows any more: what gathers from many rooms may have shown something of this one. */
function onPurge({ detail: { room } }) {
  for (const element of refreshable()) if (!element.dataset.refreshRoom || lies(room, element.dataset.refreshRoom)) refresh(element);
}

// Who directs a line is offered other things on each of its pages, and a line that is over offers no work.
const MOVES_ALL = "main_lines.director.* main_lines.phase.closed main_lines.gate.reopened";

function onEvent({ detail: frame }) {
  const all = fits(MOVES_ALL, frame.kind);
  // Whoever was away when an approval ended has left its room, and hears of the end in a room of their own.
  const places = [frame.subject ?? "", ...(frame.rooms ?? [])];
  for (const element of refreshable()) {
    const { refreshOn, refreshRoom } = element.dataset;
    if (refreshRoom && !places.some((room) => lies(room, refreshRoom))) continue;
    if (all || fits(refreshOn, frame.kind)) refresh(element);
  }
}

function refreshMissed() {
  if (document.hidden) return;
  for (const element of refreshable()) if (states.get(element)?.again) refresh(element, 0);
}

export function startRefresh() {
  document.addEventListener("input", ({ target }) => target.matches?.(WRITTEN) && (writing = target));
  document.addEventListener("focusout", () => (writing = null));
  addEventListener("mainline:event", onEvent);
  addEventListener("mainline:purge", onPurge);
  addEventListener("mainline:resync", () => refreshable().forEach((element) => refresh(element, 0)));
  addEventListener("mainline:connection", ({ detail }) => detail.state === "live" && refreshMissed());
  document.addEventListener("visibilitychange", refreshMissed);
}
