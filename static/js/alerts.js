// A critical alert of any of the reader's main lines comes up on whatever page they have open, and leads to its own.

import { text } from "mainline/texts";
import { toast } from "mainline/toasts";

const TOLD = new Set(["main_lines.alert.raised", "main_lines.alert.escalated", "main_lines.alert.reminded"]);
const NEWS_MS = 10 * 60_000; // What a page that slept catches up with is no news any more.

function onEvent({ detail: { kind, at, subject, facts } }) {
  if (!TOLD.has(kind) || facts.severity !== "critical" || Date.now() - Date.parse(at) > NEWS_MS) return;
  const url = `/alerts/${subject.split(":")[1]}`;
  const title = facts.title_said ? text(`rule_${facts.rule}`) : facts.title; // A sentence of ours is in Chinese here.
  if (location.pathname !== url) toast(title, { tone: "blocked", detail: `${text("critical")} · ${facts.line}`, url });
}

export function startAlerts() {
  addEventListener("mainline:event", onEvent);
}
