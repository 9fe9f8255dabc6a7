// The live connection: a ticket over HTTP, then a Socket.IO websocket that only pushes. What arrives goes through
// EventFeed and out as DOM events on window:
//   mainline:event      detail = frame {seq, kind, rooms, subject, at, actor, facts}
//   mainline:resync     history is too old, or another one since a restore: everything on the page should be fetched anew
//   mainline:purge      detail = {room, seq}: this member has left the room by then; drop what belongs to it
//   mainline:connection detail = {state: "connecting" | "live" | "retrying"}

import { EventFeed, backoff_ms } from "mainline/feed";
import { forgetLooking, look, showLooking } from "mainline/presence";
import { boot, send, text } from "mainline/texts";
import { toast } from "mainline/toasts";

const SILENCE_MS = 50_000; // two and a half heartbeats
const SETTLED_MS = 10_000;
const ANSWER_MS = 20_000; // on a weak line; one that never comes must not keep the page waiting for ever

const emit = (name, detail) => dispatchEvent(new CustomEvent(`mainline:${name}`, { detail }));

class SignedOut extends Error {
  final = true;
}

async function json(url, options) {
  const response = await send(url, { ...options, headers: { Accept: "application/json" }, signal: AbortSignal.timeout?.(ANSWER_MS) });
  if (response.status === 401 || response.status === 403) throw new SignedOut(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

class Connection {
  constructor(realtime) {
    this.realtime = realtime;
    this.feed = null;
    this.epoch = realtime.epoch; // within which a sequence stands for one event
    this.socket = null;
    this.attempt = 0;
    this.asked = null; // the attempt whose answer counts
    this.spread_ms = 0; // over which all who must come again at once are asked to
    this.timers = { retry: 0, silence: 0, settled: 0 };
  }

  async open() {
    this.#drop();
    // realtime.head: the sequence as of which the page was rendered; without it the page counts as fresh now.
    const last = this.feed?.last ?? this.realtime.head;
    const asked = (this.asked = Symbol());
    try {
      const ticket = await json(this.realtime.ticket_url, { method: "POST" });
      if (asked !== this.asked) return; // a later attempt has begun meanwhile, and knows more
      this.#follow(ticket, last);
      this.#listen(ticket);
    } catch (error) {
      if (asked !== this.asked) return;
      if (error.final) return emit("connection", { state: "retrying" });
      this.retry();
    }
  }

  /** last: where the page stood when it asked for the ticket. */
  #follow(ticket, last = ticket.head) {
    // A lower head in the same epoch: the database was put back by other means than ours.
    const restored = ticket.epoch !== (this.epoch ?? ticket.epoch) || ticket.head < last;
    this.epoch = ticket.epoch;
    if (restored) this.feed?.close();
    // A feed is closed to who has signed out; who has a ticket is signed in again, and goes on from there.
    if (!this.feed || this.feed.closed) this.feed = this.#newFeed(restored ? ticket.head : (this.feed?.last ?? last));
    if (restored) emit("resync", { head: ticket.head });
  }

  #listen(ticket) {
    const socket = window.io(ticket.url ?? this.realtime.url, {
      transports: ["websocket"],
      auth: { ticket: ticket.ticket },
      reconnection: false,
      forceNew: true,
    });
    this.socket = socket;
    socket.on("connect", () => this.#connected(ticket.head));
    socket.on("frame", (frame) => (this.#heard(), this.feed.receive(frame)));
    socket.on("heartbeat", ({ head }) => (this.#heard(), this.feed.heartbeat(head)));
    socket.on("catch_up", ({ head }) => (this.#heard(), this.feed.heartbeat(head)));
    socket.on("purge", ({ room, seq }) => (this.#heard(), this.feed.leave(room, seq)));
    socket.on("again", ({ within_ms }) => (this.spread_ms = within_ms));
    socket.on("looking", (said) => (this.#heard(), showLooking(said)));
    socket.on("disconnect", () => this.retry());
    socket.on("connect_error", () => this.retry());
  }

  #newFeed(last) {
    return new EventFeed({
      last,
      fetchPage: (since) => json(`/api/events?since=${since}`),
      apply: (frame) => emit("event", frame),
      resync: (head) => emit("resync", { head }),
      purge,
    });
  }

  #connected(head) {
    emit("connection", { state: "live" });
    this.#heard();
    look(this.socket);
    this.feed.heartbeat(head);
    this.timers.settled = setTimeout(() => (this.attempt = 0), SETTLED_MS);
  }

  #heard() {
    clearTimeout(this.timers.silence);
    this.timers.silence = setTimeout(() => this.retry(), SILENCE_MS);
  }

  retry(now = false) {
    if (this.timers.retry && !now) return;
    this.#drop();
    forgetLooking();
    emit("connection", { state: "retrying" });
    this.timers.retry = setTimeout(() => this.open(), now ? 0 : backoff_ms(this.attempt++) + Math.random() * this.spread_ms);
    this.spread_ms = 0;
  }

  #drop() {
    for (const name of Object.keys(this.timers)) {
      clearTimeout(this.timers[name]);
      this.timers[name] = 0;
    }
    this.socket?.off();
    this.socket?.disconnect();
    this.socket = null;
  }
}

/** Remove what belongs to a room that this member has left; a page that is about it is left altogether. */
export function purge(room, seq) {
  emit("purge", { room, seq });
  for (const element of document.querySelectorAll(`[data-room="${CSS.escape(room)}"]`)) {
    if ("roomPage" in element.dataset) location.assign("/");
    element.remove();
  }
  toast(text("gone"), { tone: "late", detail: text("gone_detail") });
}

/** The Socket.IO client: pages load it with themselves, the light phone pages only once they are at rest. */
function socketClient() {
  if (window.io) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: boot.socketScript, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

export async function startRealtime() {
  if (!boot.realtime) return;
  const connection = new Connection(boot.realtime);
  emit("connection", { state: "connecting" });
  await socketClient();
  connection.open();
  addEventListener("online", () => connection.socket?.connected || connection.retry(true));
  document.addEventListener("visibilitychange", () => {
    if (connection.socket?.connected) look(connection.socket);
    else if (!document.hidden) connection.retry(true);
  });
  addEventListener("pageshow", (event) => event.persisted && connection.retry(true));
}
