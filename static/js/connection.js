// The dot that says whether the page is live: elements with data-connection.

import { text } from "mainline/texts";

function show({ detail: { state } }) {
  for (const dot of document.querySelectorAll("[data-connection]")) {
    dot.dataset.connection = state;
    dot.title = text(state);
    const words = dot.querySelector("[data-connection-text]");
    if (words) words.textContent = text(state);
  }
}

export const showConnections = () => addEventListener("mainline:connection", show);
