// The reading side of the event feed, free of sockets and pages so that it can be tested alone.
//
// The socket delivers at most once and may reorder; the guarantee is made here. Every frame carries its own
// sequence `seq` and `prev`, the sequence of the event before it among those this member may see. What is not
// newer than `last` is a duplicate; a frame whose `prev` lies beyond `last` proves a hole, which is filled from
// the server page by page before the frame is applied.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

export class EventFeed {
  /**
   * last: sequence up to which the page is true. fetchPage(since) resolves to {events, head, more, resync, left}.
   * apply(frame) is called once per event, in order. resync(head): history is too old, fetch everything anew.
   * purge(room, seq): the member has left it by then. wait(ms) resolves later; replaced in tests.
   */
  constructor({ last, fetchPage, apply, resync, purge = () => {}, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }) {
    Object.assign(this, { last, fetchPage, apply, resync, purge, wait });
    this.held = [];
    this.known = last; // the newest sequence that anybody has told us of
    this.catching = null;
    this.closed = false;
    this.left = new Map(); // room -> sequence up to which it is closed to the member
  }

  /** A frame from the socket. */
  receive(frame) {
    if (this.closed || frame.seq <= this.last) return;
    if (this.catching || !(frame.prev <= this.last)) {
      this.held.push(frame);
      this.catchUp();
    } else {
      this.#take(frame);
    }
  }

  /** The server's newest sequence: reveals a lost last event. */
  heartbeat(head) {
    this.known = Math.max(this.known, head);
    if (!this.closed && head > this.last) this.catchUp();
  }

  /** The member has left a room with event `seq`. What is under way from before is not theirs any more either. */
  leave(room, seq) {
    this.left.set(room, Math.max(seq, this.left.get(room) ?? 0));
    this.purge(room, seq);
  }

  /** Fetch what is missing; one run at a time. Resolves when there is no known hole. */
  catchUp() {
    this.catching ??= this.#run().finally(() => (this.catching = null));
    return this.catching;
  }

  close() {
    this.closed = true;
    this.held = [];
  }

  async #run() {
    for (;;) {
      const before = this.last;
      await this.#fetchAll();
      this.#drain();
      if (this.closed || !(this.held.length || this.known > this.last)) return;
      // News came while we fetched. When a fetch brought nothing, the server has not got it yet: do not storm it.
      if (this.last === before) await this.wait(FIRST_RETRY_MS);
    }
  }

  async #fetchAll() {
    for (let retry_ms = FIRST_RETRY_MS; !this.closed; ) {
      let page;
      try {
        page = await this.fetchPage(this.last);
      } catch (error) {
        if (error.final) return this.close();
        await this.wait(retry_ms);
        retry_ms = Math.min(retry_ms * 2, LONGEST_RETRY_MS);
        continue;
      }
      if (this.closed || this.#takePage(page)) return;
      retry_ms = FIRST_RETRY_MS;
    }
  }

  /** True when this was the last page. */
  #takePage(page) {
    if (page.resync) {
      this.last = Math.max(this.last, page.head);
      this.resync(page.head);
      return true;
    }
    for (const room of page.left ?? []) this.leave(room, page.head);
    for (const frame of page.events) if (frame.seq > this.last) this.#take(frame);
    if (page.more && page.events.length) return false;
    this.last = Math.max(this.last, page.head);
    return true;
  }

  /** Apply held frames in order up to the next hole; those beyond it stay held. */
  #drain() {
    this.held.sort((a, b) => a.seq - b.seq);
    while (this.held.length && !this.closed) {
      const frame = this.held[0];
      if (frame.seq > this.last && !(frame.prev <= this.last)) return;
      this.held.shift();
      if (frame.seq > this.last) this.#take(frame);
    }
  }

  #take(frame) {
    this.last = frame.seq;
    const rooms = frame.rooms ?? [];
    if (!rooms.length || rooms.some((room) => frame.seq > (this.left.get(room) ?? 0))) this.apply(frame);
  }
}

/** Whether an event kind fits one of the space-separated patterns; "*" stands for any run of characters. */
export function fits(patterns, kind) {
  return patterns
    .split(/\s+/)
    .filter(Boolean)
    .some((pattern) => new RegExp(`^${pattern.split("*").map(escape).join(".*")}$`).test(kind));
}

const escape = (literal) => literal.replace(/[.+?^${}()|[\]\\]/g, "\\$&");

/** Milliseconds before reconnect attempt `attempt` (0, 1, …): doubling to half a minute, spread so that a restart is not stormed. */
export function backoff_ms(attempt, random = Math.random()) {
  return Math.min(500 * 2 ** attempt, 30_000) * (0.5 + random / 2);
}
