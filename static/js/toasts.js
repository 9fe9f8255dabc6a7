// Short messages in the corner. toast("已保存"), toast("没有成功", {tone: "blocked", detail: "…"}).

import { text } from "mainline/texts";

const LASTS_MS = 5000;

/** Show a message. tone: a state tone; a "blocked" message is announced at once and stays until closed. url: where its title leads.
 *  act: {label, run}, a button that does something about it and closes the message. */
export function toast(title, { tone = "running", detail = "", url = "", act = null, lasts_ms = tone === "blocked" ? 0 : LASTS_MS } = {}) {
  const region = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  if (!region || !template) return;
  const row = template.content.firstElementChild.cloneNode(true);
  row.classList.add(`tone-${tone}`);
  if (tone === "blocked") row.setAttribute("role", "alert");
  const words = row.querySelector("p");
  words.append(url ? Object.assign(document.createElement("a"), { href: url, textContent: title }) : title);
  if (detail) words.append(Object.assign(document.createElement("small"), { textContent: detail }));
  row.querySelector("button").addEventListener("click", () => row.remove());
  if (act) words.after(actButton(row, act));
  for (const same of region.children) if (same.textContent === row.textContent) same.remove();
  region.append(row);
  raise(region);
  if (lasts_ms) vanish(row, lasts_ms);
}

function actButton(row, { label, run }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: label });
  button.addEventListener("click", () => (row.remove(), run()));
  return button;
}

/** Above an open dialog: only the top layer is, and the last to enter it stands on top. */
function raise(region) {
  if (!region.showPopover || !document.querySelector("dialog:modal")) return;
  region.popover = "manual";
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
}

function vanish(row, lasts_ms) {
  let timer = setTimeout(() => row.remove(), lasts_ms);
  row.addEventListener("pointerenter", () => clearTimeout(timer));
  row.addEventListener("pointerleave", () => (timer = setTimeout(() => row.remove(), 1500)));
}

/** The product's JSON error shape, or anything else that a failed answer holds, as a message. */
export function toastError(error) {
  const known = error?.error ?? error;
  toast(known?.title || text("failed"), { tone: "blocked", detail: known?.message || text("try_again") });
}

export function startToasts() {
  for (const row of document.querySelectorAll("#toasts > .toast-row")) vanish(row, LASTS_MS * 1.6);
  addEventListener("offline", () => toast(text("offline"), { tone: "late" }));
}
