// Uploads into a folder: files and folders, chosen or dropped, a few at once, each resumable (tus). Without this script the form
// posts files. What is under way survives a cut line by itself, and a reload when the same file is chosen again.

import { refresh } from "mainline/refresh";
import { csrfToken, text } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

const AT_ONCE = 3;
const PART_BYTES = 16 * 1024 * 1024; // about a pack of the store; what came of a part before a cut counts
const RETRY_MS = [500, 1000, 3000, 5000, 10_000, 20_000, 30_000];
const SAFE_MS = 1500; // long enough to be read
const ROWS = 60; // more rows than anybody reads cost more than they tell
const LEFT_OUT = /^(\.ds_store|thumbs\.db|desktop\.ini|~\$.*|\._.*)$/i;

const tray = document.getElementById("uploads");
const drop = document.querySelector("[data-drop]");
const left = document.getElementById("uploads-left");
const texts = JSON.parse(tray.dataset.texts);
const say = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_all, name) => values[name]);
const tools = { rows: tray.querySelector("#uploads-rows"), words: tray.querySelector("#uploads-words"), bar: tray.querySelector("#uploads-bar") };
const template = tray.querySelector("template");

/** state: waiting, running, paused, failed, done. Bytes as the server confirmed or the browser sent. */
const jobs = [];
let pausedAll = false;
let speed = { at: 0, bytes: 0, perSecond: 0 };

const headers = () => ({ "X-CSRF-Token": csrfToken(), Accept: "application/json" });

/** The upload library, which few visits to a folder need: fetched when a file is chosen. */
let tus = null;
function client() {
  tus ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: tray.dataset.client, onload: resolve, onerror: reject });
    document.head.append(script);
  }).catch((error) => {
    tus = null; // the next choice tries again
    throw error;
  });
  return tus;
}

function add(file, path, options = {}) {
  const job = { file, path, name: path.split("/").pop(), state: "waiting", sent: 0, size: file.size, error: "", row: null, upload: null };
  job.upload = new window.tus.Upload(file, {
    endpoint: tray.dataset.uploads,
    chunkSize: PART_BYTES,
    retryDelays: RETRY_MS,
    uploadDataDuringCreation: true,
    removeFingerprintOnSuccess: true,
    metadata: { filename: job.name, relativePath: path, note: document.getElementById("upload-note")?.value ?? "", ...options.metadata },
    fingerprint: async () => ["mainline", tray.dataset.uploads, path, options.metadata?.asset ?? "", file.size, file.lastModified].join("|"),
    onBeforeRequest: (request) => Object.entries(headers()).forEach(([name, value]) => request.setHeader(name, value)),
    onShouldRetry: (error) => mayRetry(job, error.originalResponse?.getStatus() ?? 0),
    onProgress: (sent) => progress(job, sent),
    onAfterResponse: (_request, response) => (job.asset = response.getHeader("Mainline-Asset") ?? job.asset),
    onSuccess: () => finish(job),
    onError: (error) => fail(job, error),
  });
  jobs.push(job);
}

function mayRetry(job, status) {
  const retry = status === 0 || status === 409 || status === 423 || status === 429 || status === 460 || status >= 500;
  if (retry) show(job, say("waiting"));
  return retry;
}

async function begin(job) {
  job.state = "running";
  row(job);
  const earlier = await job.upload.findPreviousUploads().catch(() => []);
  if (job.state !== "running") return; // paused or given up meanwhile
  if (earlier.length && !job.upload.url) job.upload.resumeFromPreviousUpload(earlier[0]);
  job.upload.start();
}

function next() {
  const running = jobs.filter((job) => job.state === "running").length;
  if (!pausedAll) for (const job of jobs.filter((each) => each.state === "waiting").slice(0, AT_ONCE - running)) begin(job);
  draw();
}

function progress(job, sent) {
  job.sent = sent;
  show(job, sent < job.size ? say("sending", { percent: Math.floor((100 * sent) / job.size) }) : say("checking"));
  draw();
}

function finish(job) {
  job.state = "done";
  job.sent = job.size;
  job.file = job.upload = null; // thousands of finished files must not stay in memory
  show(job, say("safe"));
  setTimeout((row) => row?.remove(), SAFE_MS, job.row);
  refresh(drop);
  next();
  if (!jobs.some((each) => each.state === "waiting" || each.state === "running" || each.state === "paused")) rest();
}

function fail(job, error) {
  job.state = "failed";
  job.error = sentence(error);
  job.network = !error.originalResponse?.getStatus();
  row(job);
  show(job, job.error);
  next();
  if (!jobs.some((each) => each.state === "waiting" || each.state === "running" || each.state === "paused")) rest();
}

function sentence(error) {
  try {
    const said = JSON.parse(error.originalResponse.getBody()).error;
    return [said.title, said.message].filter(Boolean).join(" ");
  } catch {
    return say("waiting");
  }
}

/** Everything has ended, well or not. */
function rest() {
  const done = jobs.filter((job) => job.state === "done");
  const failed = jobs.filter((job) => job.state === "failed");
  if (done.length) toast(say("done", { n: done.length }), { tone: "done" });
  if (!failed.length) {
    jobs.length = 0;
    tray.hidden = true;
    const note = document.getElementById("upload-note");
    if (note) note.value = "";
    tray.dispatchEvent(new CustomEvent("mainline:uploaded", { bubbles: true, detail: { count: done.length } }));
  }
  speed = { at: 0, bytes: 0, perSecond: 0 };
}

// --- the tray ---------------------------------------------------------------------------------------------------------

function row(job) {
  if (job.row?.isConnected || tools.rows.childElementCount >= ROWS) return;
  job.row = template.content.firstElementChild.cloneNode(true);
  const name = job.row.querySelector(".uploads-name");
  name.textContent = name.title = job.path;
  job.row.querySelector("progress").setAttribute("aria-label", say("of", { name: job.name }));
  for (const button of job.row.querySelectorAll("[data-one]")) {
    button.setAttribute("aria-label", say(button.dataset.one, { name: job.name }));
    button.addEventListener("click", () => verbs[button.dataset.one](job));
  }
  tools.rows.append(job.row);
  show(job, say("here"));
}

function show(job, words) {
  if (!job.row) return;
  job.row.querySelector("progress").value = job.size ? (100 * job.sent) / job.size : 0;
  job.row.querySelector(".uploads-state").textContent = job.state === "paused" ? say("paused") : words;
  job.row.classList.toggle("is-failed", job.state === "failed");
  job.row.querySelector('[data-one="pause"]').hidden = job.state !== "running";
  job.row.querySelector('[data-one="resume"]').hidden = job.state !== "paused";
  job.row.querySelector('[data-one="retry"]').hidden = job.state !== "failed";
  job.row.querySelector('[data-one="cancel"]').hidden = job.state === "done";
}

function draw() {
  if (!jobs.length) return void (tray.hidden = true);
  tray.hidden = false;
  const all = jobs.reduce((sum, job) => sum + job.size, 0);
  const sent = jobs.reduce((sum, job) => sum + job.sent, 0);
  const done = jobs.filter((job) => job.state === "done").length;
  const busy = jobs.some((job) => job.state === "running" || job.state === "waiting");
  const failed = jobs.filter((job) => job.state === "failed").length;
  const percent = all ? Math.floor((100 * sent) / all) : 100;
  tools.bar.value = percent;
  const words = [say("progress", { done, all: jobs.length, percent })];
  if (pausedAll) words.push(say("paused"));
  else if (busy) words.push(timeLeft(all - sent, sent));
  if (failed) words.push(say("failed", { n: failed }));
  tools.words.textContent = words.filter(Boolean).join(" · ");
  tray.querySelector('[data-all="pause"]').hidden = pausedAll || !busy;
  tray.querySelector('[data-all="resume"]').hidden = !pausedAll;
  tray.querySelector('[data-all="close"]').hidden = busy || pausedAll;
}

function timeLeft(bytes, sent) {
  const now = performance.now();
  if (!speed.at) speed = { at: now, bytes: sent, perSecond: 0 };
  if (now - speed.at > 1000) {
    const latest = (1000 * Math.max(0, sent - speed.bytes)) / (now - speed.at);
    speed = { at: now, bytes: sent, perSecond: speed.perSecond ? 0.7 * speed.perSecond + 0.3 * latest : latest };
  }
  if (speed.perSecond < 1) return "";
  const seconds = Math.ceil(bytes / speed.perSecond);
  const time = seconds < 90 ? say("seconds", { n: seconds }) : seconds < 5400 ? say("minutes", { n: Math.round(seconds / 60) }) : say("hours", { n: Math.round(seconds / 3600) });
  return say("left", { time });
}

// --- what a person does -----------------------------------------------------------------------------------------------

const verbs = {
  async pause(job) {
    job.state = "paused";
    show(job, "");
    await job.upload.abort();
    next();
  },
  resume(job) {
    job.state = "waiting";
    show(job, "");
    next();
  },
  retry(job) {
    job.state = "waiting";
    job.error = "";
    show(job, "");
    next();
  },
  async cancel(job) {
    const { upload } = job;
    job.row?.remove();
    jobs.splice(jobs.indexOf(job), 1);
    await upload.abort(Boolean(upload.url)).catch(() => {}); // true: the server forgets it too; else it does so in a day
    next();
  },
};

async function pauseAll() {
  pausedAll = true;
  for (const job of jobs.filter((each) => each.state === "running")) {
    job.state = "waiting";
    show(job, say("paused"));
    await job.upload.abort();
  }
  draw();
}

function resumeAll() {
  pausedAll = false;
  next();
}

function close() {
  jobs.length = 0;
  tools.rows.replaceChildren();
  tray.hidden = true;
}

async function take(found, options) {
  try {
    await client();
  } catch {
    return void toast(text("not_sent"), { tone: "blocked", detail: text("no_answer") });
  }
  for (const { file, path } of found) if (!LEFT_OUT.test(file.name)) add(file, path, options);
  left.hidden = true;
  next();
}

/** Files of a drop, with their paths below what was dropped. Entries must be asked for at once: the event's data does not last. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return { files: [...transfer.files].map((file) => ({ file, path: file.name })), empty: [] };
  const found = { files: [], empty: [] };
  for (const entry of entries) await walk(entry, found);
  return found;
}

/** empty: the paths of folders with nothing in them, which no file would bring along. */
async function walk(start, { files, empty }) {
  const open = [[start, start.name]];
  while (open.length) {
    const [entry, path] = open.pop();
    if (entry.isFile) {
      const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
      if (file) files.push({ file, path });
      continue;
    }
    const inside = await children(entry);
    if (!inside.length) empty.push(path);
    for (const child of inside) open.push([child, `${path}/${child.name}`]);
  }
}

async function makeFolders(paths) {
  const body = new FormData();
  for (const path of paths) body.append("paths", path);
  const answer = await fetch(`${drop.dataset.folder}/empty-folders`, { method: "POST", body, headers: headers() }).catch(() => null);
  if (answer?.ok) refresh(drop);
  else toastError(await answer?.json().catch(() => null));
}

/** Browsers give a hundred entries at a time. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return all;
    all.push(...some);
  }
}

function chosen(input, options) {
  input.addEventListener("change", () => {
    const found = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    input.value = "";
    input.closest("dialog")?.close();
    take(found, options);
  });
}

/** Uploads of before a reload: the browser may not read those files again by itself, so the person is asked to choose them. */
async function offerToContinue() {
  const answer = await fetch(tray.dataset.uploads, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const uploads = (await answer.json()).uploads.filter((each) => each.next_of === (tray.dataset.asset ?? null)); // begun on such a page
  if (!uploads.length || jobs.length) return;
  const one = uploads[0];
  const percent = Math.floor((100 * one.offset_bytes) / one.size_bytes);
  left.querySelector("p").textContent = uploads.length > 1 ? say("continue_many", { n: uploads.length }) : say("continue_one", { name: one.name, percent });
  left.hidden = false;
  left.querySelector("[data-give-up]").addEventListener("click", async () => {
    left.hidden = true;
    for (const { url } of uploads) await fetch(url, { method: "DELETE", headers: headers() }).catch(() => {});
  });
}

function start() {
  const asset = tray.dataset.asset;
  const options = asset ? { metadata: { asset } } : {};
  for (const id of ["upload-files", "upload-folder"]) {
    const input = document.getElementById(id);
    if (input) chosen(input, options);
  }
  tray.querySelector('[data-all="pause"]').addEventListener("click", pauseAll);
  tray.querySelector('[data-all="resume"]').addEventListener("click", resumeAll);
  tray.querySelector('[data-all="close"]').addEventListener("click", close);
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", async (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    const { files, empty } = await dropped(event.dataTransfer);
    if (empty.length && !asset) await makeFolders(empty);
    if (files.length) take(asset ? files.slice(0, 1) : files, options);
  });
  addEventListener("online", () => {
    for (const job of jobs.filter((each) => each.state === "failed" && each.network)) verbs.retry(job);
  });
  addEventListener("beforeunload", (event) => {
    if (jobs.some((job) => job.state === "running" || job.state === "waiting")) event.preventDefault();
  });
  offerToContinue();
  tray.dataset.ready = "";
}

start();
