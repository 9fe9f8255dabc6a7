// The entry of the wall: the clock, times, fragments that move by themselves. Reloads at four in the morning,
// so that a screen left on for weeks shows the newest release.

import { showConnections } from "mainline/connection";
import { startRealtime } from "mainline/realtime";
import { startRefresh } from "mainline/refresh";
import { boot } from "mainline/texts";
import { startTimes } from "mainline/times";

const clock = new Intl.DateTimeFormat(boot.locale, { month: "2-digit", day: "2-digit", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

function tick() {
  const now = new Date();
  for (const element of document.querySelectorAll("[data-clock]")) element.textContent = clock.format(now);
  if (now.getHours() === 4 && now.getMinutes() === 0 && performance.now() > 120_000 && navigator.onLine) location.reload();
}

const TURN_MS = 12_000;
let idle = 0;

function hidePointerWhenIdle() {
  document.documentElement.classList.remove("is-idle");
  clearTimeout(idle);
  idle = setTimeout(() => document.documentElement.classList.add("is-idle"), 3000);
}

/** What does not fit comes by turns, by the clock, so that all walls show the same: [data-turns] shows one of its children, beside a table's head. */
function turn() {
  for (const group of document.querySelectorAll("[data-turns]")) {
    const pages = [...group.children].filter((child) => child.tagName !== "THEAD");
    const shown = Math.floor(Date.now() / TURN_MS) % pages.length;
    pages.forEach((page, number) => page.toggleAttribute("hidden", number !== shown));
  }
}

tick();
turn();
hidePointerWhenIdle();
addEventListener("pointermove", hidePointerWhenIdle);
setInterval(tick, 10_000);
setInterval(turn, 1000);
addEventListener("mainline:swapped", turn);
showConnections();
startTimes();
startRefresh();
startRealtime();
