// Uploading into a folder: choose or drop files; one request a file, with its progress. Without this script the form posts them.

import { refresh } from "mainline/refresh";
import { csrfToken, text } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

const MOST_BYTES = 64 * 1024 * 1024 - 64 * 1024; // the server's limit of one request, less the form around the file

const form = document.querySelector("[data-upload]");
const input = form?.querySelector('input[type="file"]');
const list = document.getElementById("uploads");
const drop = document.querySelector("[data-drop]");

const said = (template, values) => template.replace(/\{(\w+)\}/g, (_all, name) => values[name]);

function progressRow(file) {
  const row = document.createElement("li");
  const words = Object.assign(document.createElement("span"), { textContent: said(form.dataset.progress, { name: file.name }) });
  const bar = Object.assign(document.createElement("progress"), { className: "bar", max: 100, value: 0 });
  bar.setAttribute("aria-label", words.textContent);
  row.append(words, bar);
  list.append(row);
  list.hidden = false;
  return { row, bar };
}

/** Send one file; resolves when the server has it as a version, rejects with the error's JSON or null. */
function sendFile(file, bar) {
  const body = new FormData();
  body.append("files", file, file.name);
  const request = new XMLHttpRequest(); // fetch cannot tell how much has been sent
  request.open("POST", form.action);
  request.setRequestHeader("X-CSRF-Token", csrfToken());
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = (100 * loaded) / total));
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => (request.status < 300 ? resolve(request.response) : reject(request.response)));
    request.addEventListener("error", () => reject({ error: { title: text("no_answer"), message: text("try_again") } }));
    request.send(body);
  });
}

async function upload(files) {
  let sent = 0;
  for (const file of files) {
    if (file.size > MOST_BYTES) {
      toast(said(form.dataset.tooLarge, { name: file.name }), { tone: "late" });
      continue;
    }
    const { row, bar } = progressRow(file);
    try {
      await sendFile(file, bar);
      sent += 1;
    } catch (error) {
      toastError(error);
    }
    row.remove();
    list.hidden = !list.children.length;
  }
  if (sent) {
    toast(said(form.dataset.done, { n: sent }), { tone: "done" });
    refresh(drop, 0);
  }
}

function start() {
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    upload(files);
  });
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    upload([...event.dataTransfer.files]);
  });
}

if (form) start();
