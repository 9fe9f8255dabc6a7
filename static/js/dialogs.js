// Native dialogs by attribute, and the one confirm dialog.
//   data-open-dialog="id", data-close-dialog
//   on a form, link or htmx element: data-confirm="问题" data-confirm-detail data-confirm-yes data-confirm-tone="danger"
//   data-confirm-reason="field": asks for a reason and sends it as that field; data-confirm-phrases='["…"]'

import { arrived, text } from "mainline/texts";

const agreed = new WeakSet();
const unsent = new WeakMap(); // element -> the reason that was written and has not arrived: it is not to be written twice

/** Ask; resolves to null when refused, else to the reason ("" where none is asked). before: what was written the last time. */
export function ask({ question, detail = "", yes = "", tone = "primary", reason = false, before = "", phrases = [] }) {
  const dialog = document.getElementById("confirm");
  const field = dialog.querySelector("textarea");
  dialog.querySelector("#confirm-title").textContent = question;
  fill(dialog.querySelector("#confirm-detail"), detail);
  dialog.querySelector("#confirm-reason").hidden = !reason;
  field.required = reason;
  field.value = before;
  const button = dialog.querySelector("#confirm-yes");
  button.textContent = yes || text("confirm");
  button.className = `btn btn-${tone}`;
  dialog.querySelector(".phrases").replaceChildren(...phrases.map((phrase) => phraseButton(phrase, field)));
  dialog.returnValue = "";
  dialog.showModal();
  (reason ? field : button).focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? field.value.trim() : null), { once: true }),
  );
}

function fill(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

function phraseButton(phrase, field) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: phrase });
  button.addEventListener("click", () => {
    field.value = field.value.trim() ? `${field.value.trim()}；${phrase}` : phrase;
    field.focus();
  });
  return button;
}

function questionOf(element) {
  const data = element.dataset;
  return {
    question: data.confirm,
    detail: data.confirmDetail,
    yes: data.confirmYes,
    tone: data.confirmTone,
    reason: "confirmReason" in data,
    phrases: data.confirmPhrases ? JSON.parse(data.confirmPhrases) : [],
  };
}

async function confirmSubmit(event) {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || agreed.has(form) || form.closest("[hx-post],[hx-put],[hx-delete]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const field = source.dataset.confirmReason && hiddenField(form, source.dataset.confirmReason);
  const reason = await ask({ ...questionOf(source), before: field?.value });
  if (reason === null) return;
  if (field) field.value = reason;
  agreed.add(form);
  form.requestSubmit(event.submitter ?? undefined);
  agreed.delete(form);
}

function hiddenField(form, name) {
  const existing = form.querySelector(`input[type="hidden"][name="${CSS.escape(name)}"]`);
  if (existing) return existing;
  const field = Object.assign(document.createElement("input"), { type: "hidden", name });
  form.append(field);
  return field;
}

async function confirmHtmx(event) {
  const element = event.detail.elt;
  const source = event.detail.triggeringEvent?.submitter?.dataset.confirm ? event.detail.triggeringEvent.submitter : element;
  if (!source.dataset?.confirm) return;
  event.preventDefault();
  const reason = await ask({ ...questionOf(source), before: unsent.get(source) });
  if (reason === null) return;
  if (source.dataset.confirmReason) {
    const name = source.dataset.confirmReason;
    unsent.set(source, reason);
    element.addEventListener("htmx:configRequest", (request) => (request.detail.parameters[name] = reason), { once: true });
    element.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => arrived(xhr) && unsent.delete(source), { once: true });
  }
  event.detail.issueRequest(true);
}

function onClick(event) {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.openDialog);
    if (dialog && !dialog.open) dialog.showModal();
  }
  const inside = event.target.closest("dialog");
  // A click on the dialog element itself is one on its backdrop: everything inside has its own element.
  if (event.target.closest("[data-close-dialog]") || (inside && event.target === inside && outside(event, inside))) inside?.close();
}

function outside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

export function startDialogs() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", confirmSubmit, true);
  document.addEventListener("htmx:confirm", confirmHtmx);
}
