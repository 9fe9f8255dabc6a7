// htmx and plain forms: CSRF header, loading bar, errors as messages or beside the field, no double submit.

import { refresh } from "mainline/refresh";
import { arrived, csrfToken, text } from "mainline/texts";
import { toast, toastError } from "mainline/toasts";

function configure({ detail }) {
  detail.headers["X-CSRF-Token"] = csrfToken();
  // Fragments are HTML; an error comes as our one JSON shape.
  detail.headers.Accept = "text/html, application/json;q=0.9";
}

let busy = 0;

function loading(step) {
  busy = Math.max(0, busy + step);
  document.documentElement.classList.toggle("is-loading", busy > 0);
}

/** What a failed answer says: our JSON shape, our error fragment, or null. */
export function errorOf(body, type) {
  if (type.includes("json")) {
    try {
      return JSON.parse(body).error ?? null;
    } catch {
      return null;
    }
  }
  const block = new DOMParser().parseFromString(body, "text/html").querySelector("[data-error-title]");
  if (!block) return null;
  const { errorTitle: title, errorMessage: message, errorCode: code, errorFacts: facts } = block.dataset;
  return { title, message, code, facts: JSON.parse(facts) };
}

function beforeSwap(event) {
  const { xhr } = event.detail;
  if (xhr.status < 400) return;
  const error = errorOf(xhr.responseText, xhr.getResponseHeader("Content-Type") ?? "");
  if (!error) return; // a form rendered again with its errors: swapped as it is
  event.detail.shouldSwap = false;
  event.detail.isError = false;
  if (xhr.status === 401) return signInAgain();
  if (error.facts?.theirs) showTheirs(event.detail.requestConfig.elt.closest("form"), error.facts);
  const left = markFields(event.detail.requestConfig.elt, error.facts?.fields ?? {});
  if (left || !Object.keys(error.facts?.fields ?? {}).length) toastError(error);
}

/** Somebody saved meanwhile: what stands now, beside what was typed. Sending again replaces it, knowingly (main_lines/seen.py). */
function showTheirs(form, { mark, theirs }) {
  form.elements.seen.value = mark;
  const list = document.createElement("dl");
  list.className = "theirs";
  list.setAttribute("role", "status");
  for (const part of theirs.map(([label, value]) => ["dt", label, "dd", value])) {
    const row = document.createElement("div");
    for (let i = 0; i < 4; i += 2) row.append(Object.assign(document.createElement(part[i]), { textContent: part[i + 1] }));
    list.append(row);
  }
  form.querySelector(".theirs")?.remove();
  (form.querySelector(".dialog-body") ?? form).prepend(list);
}

function signInAgain() {
  toast(text("sign_in_again"), { tone: "late" });
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Put each sentence under its field; returns how many found no field. */
export function markFields(element, fields) {
  const form = element.closest("form");
  let left = 0;
  for (const [name, sentence] of Object.entries(fields)) {
    const field = form?.elements.namedItem(name);
    if (!(field instanceof HTMLElement)) {
      left += 1;
      continue;
    }
    field.classList.add("is-invalid");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", `${name}-error`);
    const row = document.getElementById(`${name}-error`) ?? Object.assign(document.createElement("div"), { id: `${name}-error`, className: "field-error" });
    row.textContent = sentence;
    field.after(row);
  }
  form?.querySelector('[aria-invalid="true"]')?.focus();
  return left;
}

function clearFields(event) {
  for (const field of event.target.querySelectorAll?.('[aria-invalid="true"]') ?? []) {
    field.removeAttribute("aria-invalid");
    field.classList.remove("is-invalid");
    document.getElementById(`${field.name}-error`)?.remove();
  }
}

function afterSwap(event) {
  event.detail.target?.dispatchEvent(new CustomEvent("mainline:swapped", { bubbles: true }));
}

/** A box that sends itself when it is ticked: not arrived, it is as it was. */
function untick({ detail: { elt, xhr } }) {
  if (!arrived(xhr) && elt.matches('form[hx-trigger="change"]')) elt.reset();
}

/** What a page fetches by itself is fetched again when the line is back; what somebody sent is told. */
function noAnswer({ detail: { elt, requestConfig } }) {
  if (requestConfig.verb === "get" && elt.dataset.refreshUrl) refresh(elt);
  else toast(text("no_answer"), { tone: "blocked", detail: text("try_again") });
}

/** Before htmx and everybody else: what is on its way is not sent a second time. */
function refuseTwice(event) {
  if (!event.target.dataset.sent) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

function lock({ detail: { elt } }) {
  if (elt.matches("form")) elt.dataset.sent = "1";
}

/** Free again, unless the answer leads to another page. */
function unlock({ detail: { elt, xhr } }) {
  if (!xhr.getResponseHeader("HX-Redirect")) delete elt.dataset.sent;
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.closest("[hx-post],[hx-get],[hx-put],[hx-delete]")) return;
  form.dataset.sent = "1";
  loading(1);
}

export function startRequests() {
  document.addEventListener("htmx:configRequest", configure);
  document.addEventListener("htmx:beforeRequest", (event) => (loading(1), lock(event), clearFields(event)));
  document.addEventListener("htmx:afterRequest", (event) => (loading(-1), unlock(event), untick(event)));
  document.addEventListener("htmx:beforeSwap", beforeSwap);
  document.addEventListener("htmx:afterSwap", afterSwap);
  document.addEventListener("htmx:sendError", noAnswer);
  document.addEventListener("htmx:responseError", (event) => event.detail.xhr.status && toastError(null));
  document.addEventListener("submit", refuseTwice, true);
  document.addEventListener("submit", onSubmit);
  // Coming back by the browser's back button shows a kept page: its forms may be sent again.
  addEventListener("pageshow", () => {
    busy = 0;
    loading(0);
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
}
