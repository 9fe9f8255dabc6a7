// <time data-relative>: "3 分钟前", kept moving. The server's absolute text stays as the title.

import { boot, text } from "mainline/texts";

const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [86400 * 7, "day", 86400],
];
const relative = new Intl.RelativeTimeFormat(boot.locale, { numeric: "auto" });
const sameYear = new Intl.DateTimeFormat(boot.locale, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const otherYear = new Intl.DateTimeFormat(boot.locale, { year: "numeric", month: "2-digit", day: "2-digit" });

/** Words for an instant as seen from `now`: relative within a week either way, else a date. */
export function spoken(at, now = new Date()) {
  const seconds = (at - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return text("just_now");
  const step = STEPS.find(([limit]) => size < limit);
  if (step) return relative.format(Math.round(seconds / step[2]), step[1]);
  return (at.getFullYear() === now.getFullYear() ? sameYear : otherYear).format(at);
}

export function refreshTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.valueOf())) element.textContent = spoken(at);
  }
}

export function startTimes() {
  refreshTimes();
  setInterval(() => document.hidden || refreshTimes(), 20_000);
  addEventListener("mainline:swapped", (event) => refreshTimes(event.target instanceof Element ? event.target : document));
}
