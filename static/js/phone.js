// The entry of phone pages: what base.js starts, less the frame of the PC. The live connection comes last,
// when the page is at rest, so that it never delays the first look on a slow line.

import { startAddress } from "mainline/address";
import { startAlerts } from "mainline/alerts";
import { startDialogs } from "mainline/dialogs";
import { startOffline } from "mainline/offline";
import { startRealtime } from "mainline/realtime";
import { startRefresh } from "mainline/refresh";
import { startTheme } from "mainline/theme";
import { startTimes } from "mainline/times";
import { startToasts } from "mainline/toasts";

function showLine() {
  for (const note of document.querySelectorAll("[data-offline-note]")) note.hidden = navigator.onLine;
}

startTheme();
startTimes();
startToasts();
startOffline();
startDialogs();
startAddress();
startRefresh();
startAlerts();
showLine();
addEventListener("online", showLine);
addEventListener("offline", showLine);
if (document.readyState === "complete") startRealtime();
else addEventListener("load", () => startRealtime());
