// The frame's own behaviour: sidebar width, keyboard shortcuts, the connection dot.

import { keep } from "mainline/theme";
import { showConnections } from "mainline/connection";
import { openPalette } from "mainline/palette";

function toggleSidebar() {
  const root = document.documentElement;
  const narrow = root.dataset.sidebar !== "narrow";
  if (narrow) root.dataset.sidebar = "narrow";
  else delete root.dataset.sidebar;
  keep("mainline.sidebar", narrow ? "narrow" : "");
  markSidebar();
}

function markSidebar() {
  const narrow = document.documentElement.dataset.sidebar === "narrow";
  document.querySelector("[data-toggle-sidebar]")?.setAttribute("aria-pressed", String(narrow));
}

const typing = (element) => element?.closest("input, textarea, select, [contenteditable], dialog, [data-own-keys]");

let waitingForDigit = 0;

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (Date.now() < waitingForDigit && /^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".sidebar .nav-list a")[event.key - 1]?.click();
  }
  waitingForDigit = event.key === "g" ? Date.now() + 1500 : 0;
  if (event.key === "[") toggleSidebar();
  if (event.key === "/") {
    event.preventDefault();
    openPalette();
  }
  if (event.key === "?") document.getElementById("shortcuts")?.showModal();
}

export function startShell() {
  markSidebar();
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-toggle-sidebar]")) toggleSidebar();
  });
  showConnections();
}
