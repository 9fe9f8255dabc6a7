// The connection of a page against a server that is played here. argv[2]: the folder of our scripts; argv[3]:
//   first   what /api/events does the first time, "refuses" or "hangs"
//   late    how many milliseconds the first ticket takes, when that is longer than the next attempt waits
//   page    {head, epoch} as it was drawn; server: as it is now. With each connection comes one more event.
// Prints the sequences that reached the page and how often it was to fetch everything anew, after a second connection where all is well.

import { EventEmitter } from "node:events";

const [, , scripts, told] = process.argv;
const { first, late, page = { head: 0 }, server = { head: 1 } } = JSON.parse(told);
const boot = { realtime: { url: "", ticket_url: "/ticket", member: "m", ...page }, texts: {} };
const window = new EventTarget();
const found = { shown: [], resyncs: [] };
let tickets = 0;
let asked = 0;
let connections = 0;

AbortSignal.timeout = () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  return controller.signal;
};

class Socket extends EventEmitter {
  connected = false;
  off() {
    this.removeAllListeners();
  }
  disconnect() {
    this.connected = false;
  }
}

const answer = (body, status = 200) => new Response(JSON.stringify(body), { status });
const event = (seq) => ({ seq, prev: seq - 1, kind: "k", rooms: [] });

Object.assign(globalThis, {
  window: {
    io() {
      const socket = new Socket();
      setTimeout(() => socket.emit("connect"), 1);
      setTimeout(connected, 50, socket);
      return socket;
    },
  },
  addEventListener: window.addEventListener.bind(window),
  dispatchEvent: window.dispatchEvent.bind(window),
  document: {
    hidden: false,
    addEventListener() {},
    getElementById: () => ({ textContent: JSON.stringify(boot) }),
    querySelector: () => null,
    querySelectorAll: () => [],
  },
  async fetch(path, { signal } = {}) {
    if (path === "/ticket") {
      tickets += 1;
      const ticket = { ticket: "t", ...server };
      if (late && tickets === 1) await new Promise((resolve) => setTimeout(resolve, late));
      return answer(ticket);
    }
    asked += 1;
    if (asked === 1 && first === "refuses") return answer({}, 401);
    if (asked === 1 && first === "hangs") return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    const since = Number(path.split("=")[1]);
    const events = Array.from({ length: Math.max(0, server.head - since) }, (_none, place) => event(since + 1 + place));
    return answer({ events, head: server.head, more: false, resync: false, left: [] });
  },
});

function connected(socket) {
  if (first) return;
  server.head += 1;
  connections += 1;
  socket.emit("frame", event(server.head));
  if (late || connections < 2) return;
  console.log(JSON.stringify(found));
  process.exit(0);
}

addEventListener("mainline:resync", ({ detail }) => found.resyncs.push(detail.head));
addEventListener("mainline:event", ({ detail }) => {
  found.shown.push(detail.seq);
  if (!first) return;
  console.log(JSON.stringify(found));
  process.exit(0);
});
const { startRealtime } = await import(`${scripts}/realtime.js`);
await startRealtime();
setTimeout(() => dispatchEvent(new Event("online")), 200); // signed in again elsewhere, and back on the line
if (late) setTimeout(() => (console.log(JSON.stringify(found)), process.exit(0)), late + 500);
setTimeout(() => process.exit(1), 20_000);
