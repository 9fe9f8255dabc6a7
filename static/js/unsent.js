// A long form that was sent and did not arrive (no network, a session that is over): what was typed stands in it again when it is
// opened anew. On the form: data-unsent. Kept for this tab, from the sending until another page of ours shows that it was taken.

import { text } from "mainline/texts";
import { toast } from "mainline/toasts";

const PLACE = "mainline-unsent";
const UNTYPED = ["hidden", "file", "submit", "button"];
const REFUSED = "#error-title, form[action='/sign-in']";

// With the mark of what the writer saw: a form that is opened anew must not take what others changed meanwhile for known.
const typed = (form) => [...form.elements].filter((field) => field.name === "seen" || (field.name && !UNTYPED.includes(field.type)));
const isBox = (field) => field.type === "checkbox" || field.type === "radio";

function write(unsent) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(unsent));
  } catch {
    // Full or forbidden: the form is sent all the same.
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE));
  } catch {
    return null;
  }
}

function keep({ target: form, defaultPrevented }) {
  if (defaultPrevented || !("unsent" in form.dataset)) return;
  write({ action: form.getAttribute("action"), fields: typed(form).map((field) => [field.name, field.value, isBox(field) ? field.checked : null]) });
}

/** What this page says of what was sent: it did not arrive, here is its form again, or, being any other, that it was taken. */
function settle() {
  const unsent = kept();
  if (!unsent) return;
  if (document.querySelector(REFUSED)) return write({ ...unsent, failed: true });
  const form = [...document.querySelectorAll("form[data-unsent]")].find((one) => one.getAttribute("action") === unsent.action);
  if (!form && unsent.failed) return;
  if (form && !("address" in form.dataset)) restore(form, unsent.fields); // With an address it is the answer: the server has put everything in.
  sessionStorage.removeItem(PLACE);
}

function restore(form, fields) {
  for (const field of typed(form)) {
    const [, value, checked] = fields.find(([name, one]) => name === field.name && (!isBox(field) || one === field.value)) ?? [];
    if (isBox(field)) field.checked = checked ?? false;
    else if (value !== undefined) field.value = value;
  }
  toast(text("unsent"), { tone: "late" });
}

export function startUnsent() {
  document.addEventListener("submit", keep);
  settle();
  // A page that the browser kept holds the token of a session that may be over; what was typed is put into a fresh one.
  addEventListener("pageshow", ({ persisted }) => persisted && kept() && location.reload());
}
