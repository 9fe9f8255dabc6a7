// <time data-relative>: "3 分钟前", kept moving. The server's absolute text stays as the title.

import { boot, text } from "mainline/texts";

const STEPS = [
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [86400 * 7, "day", 86400],
];
const relative = new Intl.RelativeTimeFormat(boot.locale, { numeric: "auto" });

/** Words for an instant as seen from `now`: relative within a week either way, else null. */
export function spoken(at, now = new Date()) {
  const seconds = (at - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return text("just_now");
  const step = STEPS.find(([limit]) => size < limit);
  return step ? relative.format(Math.trunc(seconds / step[2]), step[1]) : null;
}

/** The server's words for an instant long ago, in the company's time zone: "2026-11-14 23:33:05" is its title. */
function written(title, now = new Date()) {
  return title.startsWith(`${now.getFullYear()}-`) ? title.slice(5, 16) : title.slice(0, 10);
}

export function refreshTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    const words = spoken(at) ?? (element.title && written(element.title));
    if (words) element.textContent = words;
  }
}

export function startTimes() {
  refreshTimes();
  setInterval(() => document.hidden || refreshTimes(), 20_000);
  addEventListener("mainline:swapped", (event) => refreshTimes(event.target instanceof Element ? event.target : document));
}
