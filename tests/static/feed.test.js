// The feed's promise: whatever the line does, every event that the member may see is applied once and in order.
import assert from "node:assert/strict";
import { test } from "node:test";

import { EventFeed, backoff_ms, fits } from "../../static/js/feed.js";

/** A repeatable random source (mulberry32). */
function randomFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The server's half: some events are not for this member; `prev` is the sequence last sent on this connection. */
class Server {
  constructor(random) {
    Object.assign(this, { random, head: 0, visible: [], pageSize: 3, sent: null });
  }

  commit() {
    this.head += 1;
    if (this.random() < 0.4) return null;
    const event = { seq: this.head, kind: "main_lines.task.changed", prev: this.sent ?? 0 };
    this.visible.push(event);
    if (this.sent !== null) this.sent = event.seq;
    return { ...event };
  }

  connect() {
    this.sent = this.head;
  }

  page(since) {
    const newer = this.visible.filter((event) => event.seq > since);
    return { events: newer.slice(0, this.pageSize), head: this.head, more: newer.length > this.pageSize, resync: false };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function feedOn(server, { last = 0, failing = () => false } = {}) {
  const log = [];
  const resyncs = [];
  const feed = new EventFeed({
    last,
    fetchPage: async (since) => {
      const page = server.page(since);
      await turn();
      if (failing()) throw new Error("cut");
      return page;
    },
    apply: (frame) => log.push(frame.seq),
    resync: (head) => resyncs.push(head),
    wait: turn,
  });
  return { feed, log, resyncs };
}

const sequences = (server) => server.visible.map((event) => event.seq);

test("cut, lost, doubled and swapped frames: the log equals the server's order, 1,000 times", async () => {
  for (let seed = 1; seed <= 1000; seed += 1) {
    const random = randomFrom(seed);
    const server = new Server(random);
    const { feed, log } = feedOn(server, { failing: () => random() < 0.2 });
    let connected = false;
    let underway = [];
    for (let step = 0; step < 60; step += 1) {
      if (random() < 0.1) {
        connected = !connected;
        underway = [];
        server.sent = null;
        if (connected) {
          server.connect();
          feed.heartbeat(server.head);
        }
      }
      const frame = server.commit();
      if (frame && connected && random() > 0.15) underway.push(frame, ...(random() < 0.15 ? [frame] : []));
      if (random() < 0.15) underway.reverse();
      while (underway.length && random() < 0.7) feed.receive(underway.shift());
      if (random() < 0.3) await turn();
    }
    underway.forEach((frame) => feed.receive(frame));
    feed.heartbeat(server.head);
    while (feed.catching) await feed.catching;
    assert.deepEqual(log, sequences(server), `seed ${seed}`);
  }
});

test("a frame that follows the last one is applied at once, without asking the server", async () => {
  const server = { page: () => assert.fail("asked") };
  const { feed, log } = feedOn(server, { last: 10 });
  feed.receive({ seq: 12, prev: 10 });
  feed.receive({ seq: 15, prev: 12 });
  assert.deepEqual(log, [12, 15]);
  assert.equal(feed.catching, null);
});

test("a heartbeat reveals a lost last event", async () => {
  const server = new Server(() => 0.9);
  const { feed, log } = feedOn(server);
  server.commit();
  feed.heartbeat(0);
  assert.equal(feed.catching, null);
  feed.heartbeat(1);
  await feed.catching;
  assert.deepEqual(log, [1]);
});

test("history older than the server keeps: one resync, then on from the head", async () => {
  const server = { page: () => ({ events: [], head: 900, more: false, resync: true }) };
  const { feed, log, resyncs } = feedOn(server, { last: 3 });
  feed.receive({ seq: 901, prev: 900 });
  await feed.catching;
  assert.deepEqual(resyncs, [900]);
  assert.deepEqual(log, [901]);
});

test("rooms that were left while the line was cut are purged, before anything newer is applied", async () => {
  const told = [];
  const feed = new EventFeed({
    last: 3,
    fetchPage: async () => ({ events: [{ seq: 5, prev: 3 }], head: 5, more: false, resync: false, left: ["line:1"] }),
    apply: (frame) => told.push(frame.seq),
    resync: () => assert.fail("resynced"),
    purge: (room) => told.push(room),
    wait: turn,
  });
  feed.heartbeat(5);
  await feed.catching;
  assert.deepEqual(told, ["line:1", 5]);
});

test("what is under way from a room that was left is not applied, and what comes after the return is", async () => {
  const log = [];
  const page = { events: [{ seq: 4, prev: 1, rooms: ["line:1"] }, { seq: 5, prev: 4, rooms: ["line:1", "audit"] }], head: 6, more: false };
  const feed = new EventFeed({
    last: 1,
    fetchPage: async () => (await turn(), page),
    apply: (frame) => log.push(frame.seq),
    resync: () => assert.fail("resynced"),
    purge: (room) => log.push(room),
    wait: turn,
  });
  feed.receive({ seq: 6, prev: 5, rooms: ["line:1"] });
  feed.leave("line:1", 7);
  await feed.catching;
  feed.receive({ seq: 8, prev: 6, rooms: ["line:1"] });
  assert.deepEqual(log, ["line:1", 5, 8]);
});

test("an answer of 401 ends the feed instead of asking for ever", async () => {
  let asked = 0;
  const feed = new EventFeed({
    last: 0,
    fetchPage: async () => {
      asked += 1;
      throw Object.assign(new Error("signed out"), { final: true });
    },
    apply: () => assert.fail("applied"),
    resync: () => assert.fail("resynced"),
    wait: turn,
  });
  await feed.catchUp();
  feed.receive({ seq: 5, prev: 0 });
  assert.equal(asked, 1);
});

test("patterns: exact kinds, wildcards, and dots are only dots", () => {
  assert.ok(fits("main_lines.* library.version.committed", "main_lines.task.signed"));
  assert.ok(fits("main_lines.* library.version.committed", "library.version.committed"));
  assert.ok(fits("*.approved", "main_lines.approval.approved"));
  assert.ok(fits("*", "anything.at.all"));
  assert.ok(!fits("library.version.committed", "library.version.committed.later"));
  assert.ok(!fits("library.version", "library.version.committed"));
  assert.ok(!fits("a.b", "axb"));
  assert.ok(!fits("", "a.b"));
});

test("reconnects back off to half a minute and are spread", () => {
  assert.deepEqual([0, 1, 2, 6, 40].map((attempt) => backoff_ms(attempt, 1)), [500, 1000, 2000, 30_000, 30_000]);
  assert.equal(backoff_ms(0, 0), 250);
});
