// Without a network a form is not sent: the browser would put its own error page in place of what was typed.

import { text } from "mainline/texts";
import { toast } from "mainline/toasts";

function refuse(event) {
  if (navigator.onLine || event.target.method === "dialog") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  toast(text("not_sent"), { tone: "blocked", detail: text("not_sent_detail") });
}

/** Before everybody else who listens to a form, so that none of them takes it for sent. */
export const startOffline = () => document.addEventListener("submit", refuse, true);
