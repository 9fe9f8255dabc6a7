// The small numbers in the navigation follow what happens, without a reload: <a href="/approvals">审批 <span>3</span></a>.

import { fits } from "mainline/feed";
import { send } from "mainline/texts";

const MOVES = "workspace.notice.* main_lines.approval.* main_lines.task.* main_lines.check.* main_lines.sheet.* main_lines.post.*";
const GATHER_MS = 150;

let timer = 0;

async function fetchCounts() {
  timer = 0;
  const response = await send("/api/nav/counts", { headers: { Accept: "application/json" } });
  if (!response.ok) return;
  const { counts } = await response.json();
  for (const [url, count] of Object.entries(counts)) {
    for (const link of document.querySelectorAll(`.sidebar a[href="${CSS.escape(url)}"]`)) show(link, count, "nav-count");
    for (const link of document.querySelectorAll(`.subtabs a[href="${CSS.escape(url)}"]`)) show(link, count, "nav-count");
    for (const link of document.querySelectorAll(`:is(.topbar, .tabbar, .sheet-nav) a[href="${CSS.escape(url)}"]`)) show(link, count, "bar-count");
  }
}

/** Put the number into a link of the navigation, or take it away when nothing waits. */
function show(link, count, className) {
  let badge = link.querySelector(`.${className}`);
  if (!count) return badge?.remove();
  if (!badge) {
    badge = Object.assign(document.createElement("span"), { className });
    link.append(badge);
  }
  badge.textContent = count < 100 ? String(count) : "99+";
}

function soon() {
  if (!timer) timer = setTimeout(() => fetchCounts().catch(() => {}), GATHER_MS);
}

export function startCounts() {
  addEventListener("mainline:event", ({ detail }) => fits(MOVES, detail.kind) && soon());
  addEventListener("mainline:purge", soon);
  addEventListener("mainline:resync", soon);
}
