// The entry of every page: starts the base behaviours, each of which lives in its own module.

import { startAddress } from "mainline/address";
import { startAlerts } from "mainline/alerts";
import { startCounts } from "mainline/counts";
import { startDialogs } from "mainline/dialogs";
import { startMenus } from "mainline/menus";
import { startOffline } from "mainline/offline";
import { startPalette } from "mainline/palette";
import { startRealtime } from "mainline/realtime";
import { startRefresh } from "mainline/refresh";
import { startRequests } from "mainline/requests";
import { startShell } from "mainline/shell";
import { startTabs } from "mainline/tabs";
import { startTheme } from "mainline/theme";
import { startTimes } from "mainline/times";
import { startToasts } from "mainline/toasts";
import { startUnsent } from "mainline/unsent";

startTheme();
startTimes();
startToasts();
startOffline();
startDialogs();
startMenus();
startShell();
startTabs();
startPalette();
startRequests();
startUnsent();
startAddress();
startRefresh();
startAlerts();
startCounts();
startRealtime();
