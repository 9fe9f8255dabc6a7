// Browsers without pages: each runs the product's own realtime.js and feed.js in a thread of its own, against a real server, over a line
// that can be cut. Commands come as lines of JSON on standard input, answers leave as lines of JSON.
//   {"cut": 3, "ms": 80}   the line of the fourth browser breaks now and is back after 80 ms
//   {"online": true}       every browser hears that the line is up: who waits for the next attempt makes it now
//   {"report": true}       answered by [{journal, lives, resyncs}, …]; journal: ["event", seq, at] and ["purge", room, at, seq] as they came

import { once } from "node:events";
import { createInterface } from "node:readline";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

if (isMainThread) await direct(JSON.parse(process.argv[2]));
else await browse(workerData);

async function direct({ url, scripts, people }) {
  const browsers = people.map((person) => new Worker(new URL(import.meta.url), { workerData: { url, scripts, person } }));
  await Promise.all(browsers.map((browser) => once(browser, "message")));
  console.log(JSON.stringify("ready"));
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if ("cut" in command) browsers[command.cut].postMessage(command);
    else if ("online" in command) browsers.forEach((browser) => browser.postMessage(command));
    else console.log(JSON.stringify(await Promise.all(browsers.map(report))));
  }
  process.exit(0);
}

async function report(browser) {
  browser.postMessage({ report: true });
  return (await once(browser, "message"))[0];
}

async function browse({ url, scripts, person }) {
  const { io } = await import("socket.io-client");
  const said = { journal: [], lives: 0, resyncs: 0 };
  const now = () => Date.now() / 1000;
  const line = { offline: false, broken: new AbortController(), socket: null };
  const window = new EventTarget();
  const boot = { realtime: { url, ticket_url: "/api/realtime/ticket", head: person.head, epoch: person.epoch, member: person.member }, texts: {} };
  const fetchReally = globalThis.fetch;
  Object.assign(globalThis, {
    window: { io: (address, options) => (line.socket = io(address, options)) },
    addEventListener: window.addEventListener.bind(window),
    dispatchEvent: window.dispatchEvent.bind(window),
    document: {
      hidden: false,
      addEventListener() {},
      getElementById: (id) => (id === "boot" ? { textContent: JSON.stringify(boot) } : null),
      querySelector: (selector) => (selector.startsWith("meta") ? { content: person.csrf } : null),
      querySelectorAll: () => [],
    },
    CSS: { escape: String },
    async fetch(path, options = {}) {
      if (line.offline) throw new TypeError("the line is cut");
      const headers = { ...options.headers, Cookie: person.cookie };
      // Node's own fetch now and then neither answers nor fails when it is aborted; a browser's does.
      const cut = new Promise((_resolve, reject) => {
        for (const signal of [line.broken.signal, options.signal]) signal?.addEventListener("abort", () => reject(signal.reason));
      });
      cut.catch(() => {});
      const request = fetchReally(new URL(path, url), { ...options, headers, signal: line.broken.signal });
      request.catch(() => {});
      const answer = await Promise.race([request, cut]);
      const body = await Promise.race([answer.arrayBuffer(), cut]); // The line may break in the middle of an answer as well.
      return new Response(body, { status: answer.status, headers: answer.headers });
    },
  });
  addEventListener("mainline:event", ({ detail }) => said.journal.push(["event", detail.seq, now()]));
  addEventListener("mainline:purge", ({ detail }) => said.journal.push(["purge", detail.room, now(), detail.seq]));
  addEventListener("mainline:resync", () => (said.resyncs += 1));
  addEventListener("mainline:connection", ({ detail }) => {
    if (detail.state !== "live") return;
    said.lives += 1;
    if (said.lives === 1) parentPort.postMessage("live");
  });
  parentPort.on("message", (command) => {
    if ("report" in command) return parentPort.postMessage(said);
    if ("online" in command) return void dispatchEvent(new Event("online"));
    line.offline = true;
    line.broken.abort(new TypeError("the line is cut"));
    line.broken = new AbortController();
    line.socket?.io.engine?.transport?.ws?.terminate();
    setTimeout(() => ((line.offline = false), dispatchEvent(new Event("online"))), command.ms);
  });
  const { startRealtime } = await import(`${scripts}/realtime.js`);
  await startRealtime();
}
