// The editor of a playbook: a table of orders by department or by day, driven by keys as well as by pointer. Every change is kept in
// this browser at once and sent as a draft soon after, again and again until it arrives; the server says what is wrong with it.

import { send, text } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

const SEND_AFTER_MS = 700;
const RETRY_MOST_MS = 30_000;
const UNDO_MOST = 60;
const FIELDS = ["key", "title", "department", "phase", "offset", "on", "days", "requirements", "checklist", "needs", "expected", "involved"];

const byId = (id) => document.getElementById(id);
const root = byId("editor");
const data = JSON.parse(byId("editor-data").textContent);
const say = (key, values = {}) => data.texts[key].replace(/\{(\w+)\}/g, (_all, name) => values[name]);
const address = `/api/playbooks/${root.dataset.playbook}`;
const place = `mainline-playbook:${root.dataset.playbook}:${root.dataset.member}`;
const table = root.querySelector(".editor-table");

let { seen, ...doc } = data.document; // seen: of the draft that was kept last, as the server dates it.
let faults = data.faults;
let grouping = "department";
let current = "";

const orderOf = (key) => doc.orders.find((order) => order.key === key);
const dayName = (offset) => (offset === null ? say("noDay") : offset === 0 ? "D" : `D${offset > 0 ? "+" : ""}${offset}`);
const titleOf = (key) => orderOf(key)?.title || say("noTitle");
const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);
const newKey = () => `o${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

function whole(value, least, most) {
  const number = Math.round(Number(value));
  return value === "" || Number.isNaN(number) ? null : Math.min(most, Math.max(least, number));
}

// ---- Drafts: here at once, on the server soon.

let writer = newKey(); // This window.
let revision = 0;
let arrived = 0;
let timer = 0;
let wait_ms = SEND_AFTER_MS;
let flying = null;
let flight = Promise.resolve();
let over = false; // The draft is being saved as a version, or was given up.
let clash = ""; // When another window kept its draft: until it is said which of the two is meant, none is sent.

const outgoing = () => ({
  name: doc.name, kind: doc.kind, base: doc.base, gates: doc.gates.map(({ name, offset, gate }) => ({ name, offset, gate })), departments: departments().filter(Boolean),
  orders: doc.orders.map((order) => Object.fromEntries(FIELDS.map((field) => [field, order[field]]))),
});

function status(key) {
  byId("editor-status").textContent = say(key);
}

function keepHere() {
  try {
    localStorage.setItem(place, JSON.stringify({ ...doc, seen, writer }));
  } catch {
    // Full or forbidden: the server is told all the sooner.
  }
}

function forgetHere() {
  try {
    localStorage.removeItem(place);
  } catch {
    // As above.
  }
}

function keptHere() {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return null;
  }
}

function changed() {
  revision += 1;
  keepHere();
  status(navigator.onLine ? "saving" : "offline");
  later(SEND_AFTER_MS);
}

function later(delay_ms) {
  clearTimeout(timer);
  timer = setTimeout(() => flying || (flight = push()), delay_ms);
}

async function push() {
  timer = 0;
  if (flying || over || clash || arrived === revision) return;
  const mine = revision;
  flying = new AbortController();
  try {
    const response = await send(`${address}/draft`, json("PUT", { ...outgoing(), writer, seen }, flying.signal));
    if (response.status === 401) return void (status("unsaved"), toast(text("sign_in_again"), { tone: "late" }));
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      const refused = await response.json();
      if (refused.error.code === "draft_changed") return meetClash(refused.error);
      arrived = mine; // The same would be refused again; the next change is sent.
      if (mine !== revision) later(SEND_AFTER_MS);
      return void (status("unsaved"), toastError(refused));
    }
    if (!response.ok) throw new Error(String(response.status));
    const kept = await response.json();
    arrived = mine;
    wait_ms = SEND_AFTER_MS;
    ({ faults, saved_at: seen } = kept);
    drawFaults();
    if (arrived === revision && !over) status("saved"), forgetHere();
    else later(SEND_AFTER_MS);
  } catch {
    if (over) return;
    status(navigator.onLine ? "unsaved" : "offline");
    wait_ms = Math.min(wait_ms * 2, RETRY_MOST_MS);
    later(wait_ms);
  } finally {
    flying = null;
  }
}

const json = (method, body, signal) => ({
  method, body: JSON.stringify(body), signal, headers: { "Content-Type": "application/json", Accept: "application/json" },
});

function meetClash(error) {
  clash = error.facts.saved_at;
  status("unsaved");
  byId("editor-clash").hidden = false;
}

/** What was typed here counts: the other window's draft is replaced. */
function keepMine() {
  [seen, clash] = [clash, ""];
  byId("editor-clash").hidden = true;
  later(0);
}

/** What was typed there counts. */
function takeTheirs() {
  finish();
  location.reload();
}

function finish() {
  over = true;
  clearTimeout(timer);
  flying?.abort();
  forgetHere();
}

// ---- Undo: the document before each step.

const history = [];
let stable = JSON.stringify(doc);

/** A step is over: what was before it can be had again. */
function step() {
  const now = JSON.stringify(doc);
  if (now === stable) return;
  history.push(stable);
  if (history.length > UNDO_MOST) history.shift();
  stable = now;
  byId("editor-undo").disabled = false;
}

function undo() {
  step();
  const before = history.pop();
  if (before === undefined) return;
  doc = { ...JSON.parse(before), base: doc.base };
  stable = before;
  byId("editor-undo").disabled = history.length === 0;
  drawAll();
  changed();
}

// ---- The table.

function departments() {
  return [...new Set([...doc.departments, ...doc.orders.map((order) => order.department)])];
}

function groups() {
  if (grouping === "department") {
    return departments().map((name) => ({ name, title: name || say("noDepartment"), orders: doc.orders.filter((order) => order.department === name) }));
  }
  const days = [...new Set(doc.orders.map((order) => order.offset))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  return days.map((offset) => ({ offset, title: dayName(offset), orders: doc.orders.filter((order) => order.offset === offset) }));
}

function draw() {
  const focused = document.activeElement?.closest?.("tr[data-key]") && { key: document.activeElement.closest("tr").dataset.key, field: document.activeElement.dataset.field };
  for (const body of [...table.tBodies]) body.remove();
  for (const group of groups()) {
    const body = table.createTBody();
    const head = clone("group-template");
    head.dataset.department = group.name ?? "";
    head.querySelector("[data-name]").textContent = group.title;
    head.querySelector("[data-count]").textContent = group.orders.length;
    const add = head.querySelector("[data-add-here]");
    add.hidden = grouping !== "department";
    add.setAttribute("aria-label", say("add", { name: group.title }));
    head.querySelector("[data-drop-department]").hidden = grouping !== "department" || group.orders.length > 0;
    for (const button of head.querySelectorAll("[data-move-department]")) {
      button.hidden = grouping !== "department" || !group.name;
      button.setAttribute("aria-label", say(button.dataset.moveDepartment === "-1" ? "departmentUp" : "departmentDown", { name: group.title }));
    }
    body.append(head, ...group.orders.map(rowOf));
  }
  byId("editor-count").textContent = say("count", { orders: doc.orders.length, departments: departments().filter(Boolean).length });
  drawFaults();
  if (focused) focusOn(focused.key, focused.field);
}

function rowOf(order) {
  const row = clone("order-template");
  row.dataset.key = order.key;
  row.classList.toggle("is-current", order.key === current);
  for (const field of row.querySelectorAll("[data-field]")) field.value = order[field.dataset.field] ?? "";
  row.querySelector('[data-field="offset"]').placeholder = order.on?.slice(5) ?? "";
  const more = row.querySelector("[data-details]");
  const first = order.requirements.split("\n")[0];
  more.lastElementChild.textContent = [order.needs.length ? say("needs", { n: order.needs.length }) : "", first].filter(Boolean).join(" · ") || "…";
  more.firstElementChild.textContent = say("details", { title: titleOf(order.key) });
  return row;
}

const rowFor = (key) => table.querySelector(`tr[data-key="${CSS.escape(key)}"]`);

function redrawRow(order) {
  rowFor(order.key)?.replaceWith(rowOf(order));
  drawFaults();
}

function focusOn(key, field = "title") {
  const row = rowFor(key);
  (row?.querySelector(`[data-field="${field}"]`) ?? row?.querySelector("[data-move]"))?.focus();
}

function add(reference, department) {
  if (doc.orders.length >= data.limits.orders) return toast(say("full"), { tone: "late" });
  const order = {
    key: newKey(), title: "", department: department ?? reference?.department ?? departments()[0] ?? "", phase: reference?.phase ?? "prepare",
    offset: reference?.offset ?? null, on: null, days: 1, requirements: "", checklist: [], needs: [], expected: [], involved: [],
  };
  insert(order, reference);
}

function insert(order, reference) {
  const at = reference ? doc.orders.indexOf(reference) + 1 : doc.orders.length;
  doc.orders.splice(at, 0, order);
  after(order.key);
}

function duplicate(order) {
  if (doc.orders.length >= data.limits.orders) return toast(say("full"), { tone: "late" });
  insert({ ...structuredClone(order), key: newKey() }, order);
}

/** What waited for it waits for what it waited for. */
function remove(order) {
  const row = rowFor(order.key);
  const next = (row.nextElementSibling ?? row.previousElementSibling)?.dataset.key;
  doc.orders = doc.orders.filter((other) => other !== order);
  for (const other of doc.orders) {
    if (other.needs.includes(order.key)) other.needs = [...new Set(other.needs.flatMap((key) => (key === order.key ? order.needs : [key])))];
  }
  if (current === order.key) show("");
  toast(say("removed", { title: order.title || say("noTitle") }));
  after(next);
}

/** By department: past its neighbour there. By day: a day earlier or later. */
function move(order, by) {
  if (grouping === "day") {
    if (order.offset !== null) order.offset = whole(order.offset + by, -data.limits.offset, data.limits.offset);
  } else {
    const same = doc.orders.filter((other) => other.department === order.department);
    const other = same[same.indexOf(order) + by];
    if (!other) return;
    const [one, two] = [doc.orders.indexOf(order), doc.orders.indexOf(other)];
    [doc.orders[one], doc.orders[two]] = [other, order];
  }
  after(order.key, document.activeElement?.dataset.field);
}

/** Past its neighbour, with all its orders. */
function moveDepartment(name, by) {
  const names = departments().filter(Boolean);
  const [one, other] = [names.indexOf(name), names.indexOf(name) + by];
  if (one < 0 || other < 0 || other >= names.length) return;
  [names[one], names[other]] = [names[other], names[one]];
  doc.departments = names;
  after();
  table.querySelector(`tr[data-department="${CSS.escape(name)}"] [data-move-department="${by}"]`)?.focus();
}

function after(key, field) {
  step();
  changed();
  draw();
  if (key) focusOn(key, field);
}

function onInput({ target }) {
  const field = target.dataset.field;
  const order = field && orderOf(target.closest("tr").dataset.key);
  if (!order) return;
  if (field === "offset") [order.offset, order.on] = [whole(target.value, -data.limits.offset, data.limits.offset), null];
  else if (field === "days") order.days = whole(target.value, 1, 366) ?? 1;
  else order[field] = target.value;
  if (order.key === current && field === "title") byId("details-title").textContent = titleOf(current);
  changed();
}

function onChange({ target }) {
  if (!target.dataset.field) return;
  const order = orderOf(target.closest("tr").dataset.key);
  if (target.dataset.field === "department") order.department = target.value.trim();
  step();
  if (target.dataset.field === (grouping === "day" ? "offset" : "department")) draw();
  else if (target.type === "number") target.value = order[target.dataset.field] ?? "";
}

function onClick({ target }) {
  const row = target.closest("tr");
  const order = row?.dataset.key && orderOf(row.dataset.key);
  if (target.closest("[data-add-here]")) add(doc.orders.findLast((other) => other.department === row.dataset.department), row.dataset.department);
  else if (target.closest("[data-drop-department]")) (doc.departments = doc.departments.filter((name) => name !== row.dataset.department)), after();
  else if (target.closest("[data-move-department]")) moveDepartment(row.dataset.department, Number(target.closest("[data-move-department]").dataset.moveDepartment));
  else if (!order) return;
  else if (target.closest("[data-shift]")) shift(order, target.closest("[data-shift]"));
  else if (target.closest("[data-duplicate]")) duplicate(order);
  else if (target.closest("[data-remove]")) remove(order);
  else if (target.closest("[data-details]")) show(order.key, true);
}

/** By a button, where nothing can be dragged; it stays under the thumb. */
function shift(order, button) {
  const way = button.dataset.shift;
  move(order, Number(way));
  rowFor(order.key).querySelector(`[data-shift="${way}"]`).focus();
}

function onKey(event) {
  const row = event.target.closest("tr[data-key]");
  const order = row && orderOf(row.dataset.key);
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "s") byId("save").open || byId("save").showModal();
  else if (command && event.key.toLowerCase() === "z" && !typing(event.target)) undo();
  else if (event.altKey && event.target.closest("tr[data-department]") && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    moveDepartment(event.target.closest("tr").dataset.department, event.key === "ArrowUp" ? -1 : 1);
  } else if (!order) return;
  else if (command && event.key === "Enter") add(order);
  else if (command && event.key.toLowerCase() === "d") duplicate(order);
  else if (event.altKey && event.key === "Delete") remove(order);
  else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) move(order, event.key === "ArrowUp" ? -1 : 1);
  else if (event.key === "Enter" && event.target.dataset.field) beside(row, event.shiftKey ? -1 : 1, event.target.dataset.field);
  else return;
  event.preventDefault();
}

/** The browser's own undo is meant while somebody types. */
const typing = (field) => (field.matches?.("input, textarea") ?? false) && JSON.stringify(doc) !== stable;

function beside(row, by, field) {
  const rows = [...table.querySelectorAll("tr[data-key]")];
  const next = rows[rows.indexOf(row) + by];
  if (next) focusOn(next.dataset.key, field);
}

// ---- Dragging: before the row it is let go on, into its department or onto its day.

let dragged = null;

function onDrag(event) {
  if (event.type === "dragstart") {
    dragged = event.target.closest?.("[data-move]") ? orderOf(event.target.closest("tr").dataset.key) : null;
    if (dragged) event.dataTransfer.setData("text/plain", dragged.title);
    return;
  }
  table.querySelector(".is-over")?.classList.remove("is-over");
  const row = dragged && event.target.closest?.("tbody tr");
  if (!row || event.type === "dragend") return;
  event.preventDefault();
  if (event.type === "dragover") return row.classList.add("is-over");
  const target = orderOf(row.dataset.key ?? "");
  if (target === dragged) return;
  doc.orders = doc.orders.filter((order) => order !== dragged);
  if (grouping === "day") [dragged.offset, dragged.on] = target ? [target.offset, null] : [dragged.offset, dragged.on];
  else dragged.department = target ? target.department : row.dataset.department;
  doc.orders.splice(target ? doc.orders.indexOf(target) : doc.orders.length, 0, dragged);
  after(dragged.key);
}

// ---- Details of one order.

function show(key, focus = false) {
  rowFor(current)?.classList.remove("is-current");
  current = key;
  rowFor(key)?.classList.add("is-current");
  const order = orderOf(key);
  byId("details").hidden = !order;
  if (!order) return;
  byId("details-title").textContent = titleOf(key);
  byId("detail-requirements").value = order.requirements;
  byId("detail-checklist").value = order.checklist.join("\n");
  byId("detail-expected").value = (order.expected ?? []).join("\n");
  byId("detail-involved").value = (order.involved ?? []).join(", ");
  byId("detail-on").value = order.on ?? "";
  drawNeeds(order);
  if (focus) byId("detail-requirements").focus();
}

function drawNeeds(order) {
  byId("detail-needs").replaceChildren(...order.needs.map((key) => {
    const row = clone("need-template");
    row.firstElementChild.textContent = titleOf(key);
    row.querySelector("button").addEventListener("click", () => needs(order, order.needs.filter((other) => other !== key)));
    return row;
  }));
  const free = doc.orders.filter((other) => other !== order && !order.needs.includes(other.key));
  const option = (value, words) => new Option(words, value);
  byId("detail-add-need").replaceChildren(option("", say("addNeed")), ...free.map((other) => option(other.key, `${other.department} · ${titleOf(other.key)} ${dayName(other.offset)}`)));
}

function needs(order, keys) {
  order.needs = keys;
  step();
  changed();
  drawNeeds(order);
  redrawRow(order);
}

function onDetail({ target, type }) {
  const order = orderOf(current);
  if (!order) return;
  if (target.id === "detail-add-need") return type === "change" && target.value ? needs(order, [...order.needs, target.value]) : undefined;
  if (target.id === "detail-requirements") order.requirements = target.value;
  else if (target.id === "detail-checklist") order.checklist = target.value.split("\n").map((line) => line.trim()).filter(Boolean);
  else if (target.id === "detail-expected") order.expected = target.value.split("\n").map((line) => line.trim().slice(0, 80)).filter(Boolean).slice(0, 30);
  else if (target.id === "detail-involved") order.involved = target.value.split(/[,，、;；]/).map((name) => name.trim().slice(0, 60)).filter(Boolean);
  else if (target.id === "detail-on") [order.on, order.offset] = target.value ? [target.value, null] : [null, order.offset];
  if (type === "change") step(), draw();
  else changed();
}

// ---- Head, gates, checks.

function drawHead() {
  byId("book-name").value = doc.name;
  byId("book-kind").value = doc.kind;
  byId("gates").replaceChildren(...doc.gates.map((gate) => {
    const row = clone("gate-template");
    const [name, offset] = row.querySelectorAll("input");
    const kind = row.querySelector("select");
    [name.value, offset.value, kind.value] = [gate.name, gate.offset, gate.gate ?? ""];
    name.hidden = Boolean(gate.gate);
    kind.addEventListener("change", () => ((gate.gate = kind.value || null), (name.hidden = Boolean(gate.gate)), changed()));
    name.addEventListener("input", () => ((gate.name = name.value), changed()));
    offset.addEventListener("input", () => ((gate.offset = whole(offset.value, -data.limits.offset, data.limits.offset) ?? 0), changed()));
    row.addEventListener("change", step);
    row.querySelector("button").addEventListener("click", () => ((doc.gates = doc.gates.filter((other) => other !== gate)), step(), changed(), drawHead()));
    return row;
  }));
  byId("add-gate").disabled = doc.gates.length >= data.limits.gates;
}

function drawFaults() {
  byId("checks-count").textContent = faults.length || "";
  for (const row of table.querySelectorAll(".has-fault, .is-fatal")) row.classList.remove("has-fault", "is-fatal");
  byId("checks").replaceChildren(...faults.map((fault) => {
    for (const key of fault.keys) rowFor(key)?.classList.add(fault.fatal ? "is-fatal" : "has-fault");
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: fault.words, className: fault.fatal ? "tone-blocked" : "tone-late" });
    button.addEventListener("click", () => fault.keys[0] && (show(fault.keys[0]), focusOn(fault.keys[0])));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }), ...(faults.length ? [] : [Object.assign(document.createElement("li"), { textContent: say("sound") })]));
}

function drawAll() {
  drawHead();
  draw();
  show(orderOf(current) ? current : "");
}

// ---- A new version.

async function save(event) {
  event.preventDefault();
  if (clash) return void (byId("save").close(), byId("editor-clash").scrollIntoView());
  if (!doc.name.trim()) return void (byId("save").close(), byId("book-name").focus());
  const button = byId("save-yes");
  button.disabled = true;
  over = true;
  await flight; // A draft that arrives behind the version would come back as one that was never saved.
  try {
    const response = await send(`${address}/versions`, json("POST", { ...outgoing(), note: byId("save-note").value.trim() }));
    if (response.ok) return void (finish(), location.assign(`/playbooks/${root.dataset.playbook}`));
    const { error } = await response.json();
    if (response.status === 409 && error.facts?.version) {
      doc.base = error.facts.version;
      button.querySelector("span").textContent = say("anyway");
    }
    problem(error.title, error.message);
  } catch {
    problem(say("failed"), say("tryAgain"));
  }
  button.disabled = over = false;
  if (arrived !== revision) later(SEND_AFTER_MS);
}

function problem(title, message) {
  byId("save-problem").hidden = false;
  byId("save-problem").querySelector("strong").textContent = title;
  byId("save-problem").querySelector("[data-message]").textContent = message;
}

function newer(words) {
  byId("editor-newer-words").textContent = words;
  byId("editor-newer").hidden = false;
}

function regroup({ currentTarget }) {
  grouping = currentTarget.dataset.group;
  for (const button of root.querySelectorAll("[data-group]")) button.setAttribute("aria-pressed", String(button === currentTarget));
  draw();
}

function addDepartment(event) {
  event.preventDefault();
  const name = byId("department-name").value.trim();
  byId("department").close();
  event.target.reset();
  if (!name) return;
  doc.departments = [...new Set([...departments().filter(Boolean), name])];
  after();
}

table.addEventListener("input", onInput);
table.addEventListener("change", onChange);
table.addEventListener("click", onClick);
table.addEventListener("focusin", ({ target }) => target.closest("tr[data-key]") && target.dataset.field && show(target.closest("tr").dataset.key));
for (const kind of ["dragstart", "dragover", "drop", "dragend"]) table.addEventListener(kind, onDrag);
document.addEventListener("keydown", onKey);
for (const kind of ["input", "change"]) byId("details").addEventListener(kind, onDetail);
byId("book-name").addEventListener("input", ({ target }) => ((doc.name = target.value), changed()));
byId("book-kind").addEventListener("change", ({ target }) => ((doc.kind = target.value), step(), changed()));
byId("add-gate").addEventListener("click", () => (doc.gates.push({ name: "", offset: 0, gate: null }), step(), changed(), drawHead(), byId("gates").lastElementChild.querySelector("input").focus()));
byId("add-order").addEventListener("click", () => add(orderOf(current) ?? doc.orders.at(-1)));
byId("add-department").addEventListener("click", () => byId("department").showModal());
byId("department-form").addEventListener("submit", addDepartment);
byId("editor-undo").addEventListener("click", undo);
byId("editor-keep-mine").addEventListener("click", keepMine);
byId("editor-take-theirs").addEventListener("click", takeTheirs);
byId("save-form").addEventListener("submit", save);
byId("editor-drop").addEventListener("submit", (event) => event.defaultPrevented || finish());
for (const button of root.querySelectorAll("[data-group]")) button.addEventListener("click", regroup);
addEventListener("online", () => ((wait_ms = SEND_AFTER_MS), later(0)));
addEventListener("mainline:event", ({ detail }) => {
  const ours = detail.subject === `playbook:${root.dataset.playbook}` && detail.kind === "main_lines.playbook.saved";
  if (ours && !over) newer(say("newer", { name: detail.actor }));
});

const kept = keptHere();
if (kept?.orders) {
  ({ seen = "", writer = writer, ...doc } = kept);
  stable = JSON.stringify(doc);
  drawAll();
  toast(say("restored"), { tone: "done" });
  changed();
} else drawAll();
if (doc.base < Number(root.dataset.version)) newer(say("stale", { version: root.dataset.version }));
