// Who else looks at what this page shows: faces in the bar, with their names for the pointer and for screen readers.
// A page says what it is about by an element with data-look, a token signed by the server for its reader; a tab that is
// hidden looks at nothing. The server answers with everybody who does, and this browser leaves its own reader out.

import { boot, text } from "mainline/texts";

const TINTS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Tell the server what the reader has in front of them; after each new connection and whenever the tab is shown or hidden. */
export function look(socket) {
  const token = document.querySelector("[data-look]")?.dataset.look;
  if (token && socket?.connected) socket.emit("look", { token: document.hidden ? "" : token });
}

/** people: [[member, name, initials], …], the first who came; count: of all, the reader among them. */
export function showLooking({ people, count }) {
  const others = people.filter(([member]) => member !== boot.realtime?.member);
  for (const place of document.querySelectorAll("[data-watchers]")) show(place, others, Math.max(others.length, count - 1));
}

/** The line is cut: who looks is not known any more. */
export const forgetLooking = () => showLooking({ people: [], count: 0 });

/** others: those who have a face; all: how many they are with those who have none. */
function show(place, others, all) {
  place.hidden = !others.length;
  const faces = others.slice(0, matchMedia("(min-width: 992px)").matches ? 5 : 2).map(face);
  const more = all - faces.length;
  place.querySelector(".faces").replaceChildren(...faces, ...(more ? [badge(`+${more}`, "face-more")] : []));
  const names = others.map(([, name]) => name).join(text("list_comma"));
  const words = all > others.length ? text("looking_more").replace("{n}", all) : text("looking");
  place.title = words.replace("{names}", () => names);
  place.setAttribute("aria-label", place.title);
}

const face = ([member, , initials]) => badge(initials, `tint-${TINTS.indexOf((member.at(-1) ?? "0").toLowerCase()) % 8}`);

function badge(words, look) {
  const made = Object.assign(document.createElement("span"), { className: `face face-sm ${look}`, textContent: words });
  made.setAttribute("aria-hidden", "true");
  return made;
}
