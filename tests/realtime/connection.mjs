// The connection of a page against a server that is played here: argv[2] is the folder of our scripts, argv[3] what /api/events does
// the first time, "refuses" or "hangs". Prints the sequences that reached the page.

import { EventEmitter } from "node:events";

const [, , scripts, first] = process.argv;
const boot = { realtime: { url: "", ticket_url: "/ticket", head: 0, member: "m" }, texts: {} };
const window = new EventTarget();
const shown = [];
let asked = 0;

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

Object.assign(globalThis, {
  window: {
    io() {
      const socket = new Socket();
      setTimeout(() => socket.emit("connect"), 1);
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
    if (path === "/ticket") return answer({ ticket: "t", head: 1 });
    asked += 1;
    if (asked === 1 && first === "refuses") return answer({}, 401);
    if (asked === 1) return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    return answer({ events: [{ seq: 1, prev: 0, kind: "k", rooms: [] }], head: 1, more: false, resync: false, left: [] });
  },
});

addEventListener("mainline:event", ({ detail }) => {
  shown.push(detail.seq);
  console.log(JSON.stringify(shown));
  process.exit(0);
});
const { startRealtime } = await import(`${scripts}/realtime.js`);
await startRealtime();
setTimeout(() => dispatchEvent(new Event("online")), 200); // signed in again elsewhere, and back on the line
setTimeout(() => process.exit(1), 20_000);
