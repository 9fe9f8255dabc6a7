// Posts of a main line: completing what stands behind an @, saying how many will be told, attaching files, noting what was read.
// Its forms and rows come and go with fragments, so everything is listened for on the document.

import { refresh } from "mainline/refresh";
import { send } from "mainline/texts";

const SEARCH_MS = 120;
const TOLD_MS = 250;
const DWELL_MS = 700; // shorter than this in view was scrolled past, not read
const GATHER_MS = 300;
const MOST_SAID = 11; // one more than a post may call, so that the server says so
const SAID_LENGTH = 30;

const formOf = (field) => field?.closest?.("form[data-compose]");
const optionsOf = (field) => document.getElementById(`${field.id}-options`);
const fragment = (url) => send(url, { headers: { "HX-Request": "true", Accept: "text/html" } });

// --- completing an @ --------------------------------------------------------------------------------------------------

let searching = 0;

/** What stands between the last @ and the caret, or null. An @ inside a word, as in an address, calls nobody. */
function asked(field) {
  const found = /(^|[^0-9A-Za-z._-])[@＠]([^\s@＠]{0,20})$/.exec(field.value.slice(0, field.selectionStart));
  return found ? found[2] : null;
}

function search(field) {
  clearTimeout(searching);
  const words = asked(field);
  if (words === null) return close(field);
  searching = setTimeout(() => offer(field, words), SEARCH_MS);
}

async function offer(field, words) {
  const answer = await fragment(`${formOf(field)?.dataset.compose}/mentions?q=${encodeURIComponent(words)}`).catch(() => null);
  if (!answer?.ok || asked(field) !== words || document.activeElement !== field) return;
  const list = optionsOf(field);
  list.innerHTML = await answer.text();
  list.hidden = false;
  // A textarea may be a combobox only while its list is there; else it is what it is.
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-expanded", "true");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  choose(field, list.querySelector("[data-key]"));
}

function close(field) {
  clearTimeout(searching);
  const list = optionsOf(field);
  if (!list || list.hidden) return;
  list.hidden = true;
  list.replaceChildren();
  for (const name of ["role", "aria-expanded", "aria-autocomplete", "aria-controls", "aria-activedescendant"]) field.removeAttribute(name);
}

function choose(field, option) {
  const list = optionsOf(field);
  for (const each of list.children) each.setAttribute("aria-selected", String(each === option));
  if (!option) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function move(field, step) {
  const all = [...optionsOf(field).querySelectorAll("[data-key]")];
  const now = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (all.length) choose(field, all[(now + step + all.length) % all.length]);
}

function take(field, option) {
  const end = field.selectionStart;
  const start = Math.max(...["@", "＠"].map((sign) => field.value.slice(0, end).lastIndexOf(sign)));
  field.setRangeText(`@${option.dataset.name} `, Math.max(0, start), end, "end");
  const picks = formOf(field).querySelector("[data-picks]");
  const pick = Object.assign(document.createElement("input"), { type: "hidden", name: "mentions", value: option.dataset.key });
  if (![...picks.children].some((each) => each.value === pick.value)) picks.append(pick);
  close(field);
  field.focus();
  changed(field);
}

function onKey(event) {
  const field = event.target;
  if (!field.matches?.("form[data-compose] textarea") || event.isComposing) return; // Enter that ends a Chinese word is not for us
  const list = optionsOf(field);
  const open = list && !list.hidden;
  const option = open && list.querySelector('[aria-selected="true"]');
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.form.requestSubmit();
  else if (open && event.key === "Escape") close(field);
  else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) move(field, event.key === "ArrowDown" ? 1 : -1);
  else if (option && (event.key === "Enter" || event.key === "Tab") && !event.shiftKey) take(field, option);
  else return;
  event.preventDefault();
}

// --- who will be told -------------------------------------------------------------------------------------------------

let telling = 0;

function changed(field) {
  remember(field);
  clearTimeout(telling);
  telling = setTimeout(() => tell(field), TOLD_MS);
}

async function tell(field) {
  const form = formOf(field);
  const note = document.getElementById(`${field.id}-told`);
  if (!form || !note) return;
  const query = new URLSearchParams();
  for (const words of allSaid(field.value)) query.append("said", words);
  for (const pick of form.querySelectorAll("[data-picks] input")) query.append("mention", pick.value);
  if (form.dataset.task) query.set("task", form.dataset.task);
  const before = field.value;
  const answer = await fragment(`${form.dataset.compose}/audience?${query}`).catch(() => null);
  if (answer?.ok && field.value === before) note.textContent = (await answer.text()).trim();
}

/** Each @ with what stands behind it, up to the next one. */
const allSaid = (text) => [...text.matchAll(/(?<![0-9A-Za-z._-])[@＠][^@＠\n]*/g)].map(([words]) => words.slice(0, SAID_LENGTH)).slice(0, MOST_SAID);

// --- files ------------------------------------------------------------------------------------------------------------

function attach(button) {
  const files = document.querySelector("form[data-compose] [data-files]");
  const template = document.getElementById("post-file-template");
  if (!files || !template || [...files.querySelectorAll("input")].some((each) => each.value === button.dataset.attach)) return;
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector(".clip").textContent = button.dataset.name;
  row.querySelector("input").value = button.dataset.attach;
  files.append(row);
  button.closest("dialog")?.close();
}

// --- drafts -----------------------------------------------------------------------------------------------------------

const draftKey = (form) => `post:${form.getAttribute("action")}`;

function remember(field) {
  const form = formOf(field);
  if (field.value) sessionStorage.setItem(draftKey(form), field.value);
  else sessionStorage.removeItem(draftKey(form));
}

/** What was being written when the page was left. */
function restore() {
  for (const form of document.querySelectorAll("form[data-compose]")) {
    const field = form.elements.text;
    if ("done" in form.dataset) {
      sessionStorage.removeItem(draftKey(form));
      delete form.dataset.done;
      if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
    } else if (!field.value) {
      field.value = sessionStorage.getItem(draftKey(form)) ?? "";
    }
    if (!("seen" in form.dataset)) {
      form.dataset.seen = "";
      if (field.value || form.dataset.task) tell(field);
    }
  }
}

// --- reading ----------------------------------------------------------------------------------------------------------

const seen = new Set(); // numbers of the line's posts that were in view; the server goes on as far as none was left out
const waiting = new WeakMap(); // row -> timer
let reporting = 0;

const watcher = new IntersectionObserver(onView, { threshold: [0, 0.2, 0.4, 0.6] });

/** Most of it is in view, or, of one that is longer than the screen, enough to fill a good part of that. */
function onView(entries) {
  for (const { target, intersectionRatio, intersectionRect } of entries) {
    clearTimeout(waiting.get(target));
    if (intersectionRatio >= 0.6 || intersectionRect.height > innerHeight * 0.4) waiting.set(target, setTimeout(() => read(target), DWELL_MS));
  }
}

function read(row) {
  if (document.hidden || !row.isConnected) return;
  watcher.unobserve(row);
  seen.add(Number(row.dataset.unread));
  clearTimeout(reporting);
  reporting = setTimeout(report, GATHER_MS);
}

async function report() {
  const url = document.querySelector("[data-reads]")?.dataset.reads;
  if (!url || !seen.size) return;
  const body = JSON.stringify({ seen: [...seen].slice(-500) });
  const answer = await send(url, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body }).catch(() => null);
  if (!answer?.ok) return;
  const { read: news } = await answer.json();
  const banner = document.getElementById("unread");
  if (news && banner) refresh(banner);
}

function watch() {
  for (const row of document.querySelectorAll("[data-unread]")) if (!seen.has(Number(row.dataset.unread))) watcher.observe(row);
}

/** Somebody else has read what I wrote: my rows say so. What I read myself stays marked while I look at it. */
function onEvent({ detail: frame }) {
  if (frame.kind === "main_lines.post.withdrawn") vanish(frame.subject);
  if (frame.kind !== "main_lines.post.read") return;
  for (const rows of document.querySelectorAll("[data-post-rows][data-refresh-url]")) if (frame.actor !== rows.dataset.me) refresh(rows);
}

/** Earlier rows are not fetched anew: what was withdrawn goes from them at once too. subject: "post:id". */
function vanish(subject) {
  document.getElementById(subject.replace(":", "-"))?.querySelector(".feed-quote")?.remove();
}

/** Everything was marked as read: the marks go. */
function onSent({ detail: { elt, successful } }) {
  if (!successful || !elt.matches?.("[data-read-all]")) return;
  for (const each of document.querySelectorAll("#unread, [data-post-rows][data-refresh-url]")) refresh(each);
}

// --- all of it --------------------------------------------------------------------------------------------------------

function onClick({ target }) {
  const option = target.closest("[data-key][role=option]");
  if (option) return take(option.closest("form").elements.text, option);
  const file = target.closest("[data-attach]");
  if (file) return attach(file);
  target.closest("[data-detach]")?.closest("li").remove();
  const at = target.closest("[data-at]");
  if (!at) return;
  const field = at.form.elements.text;
  const { selectionStart: from, value } = field;
  field.setRangeText(/[0-9A-Za-z._-]$/.test(value.slice(0, from)) ? " @" : "@", from, field.selectionEnd, "end");
  field.focus();
  search(field);
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("form[data-compose] textarea")) return;
  search(target);
  changed(target);
});
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
// The caret stays where it is while an option is pressed.
document.addEventListener("pointerdown", (event) => event.target.closest("[data-key][role=option]") && event.preventDefault());
document.addEventListener("focusout", ({ target }) => target.matches?.("form[data-compose] textarea") && close(target));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  watcher.disconnect();
  watch();
});
document.addEventListener("htmx:afterRequest", onSent);
addEventListener("mainline:event", onEvent);
addEventListener("mainline:swapped", () => (restore(), watch()));
restore();
watch();
