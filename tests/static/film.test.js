// A film whose address is over is asked for anew and goes on where it was; one that never played is left alone.
import assert from "node:assert/strict";
import { test } from "node:test";

/** As much of a player as the script touches. code: of its error, see MediaError. */
class Film extends EventTarget {
  constructor(code, currentTime, paused) {
    super();
    Object.assign(this, { error: { code }, currentTime, paused, loads: 0, plays: 0 });
  }

  load() {
    this.loads += 1;
    this.currentTime = 0;
    queueMicrotask(() => this.dispatchEvent(new Event("loadedmetadata")));
  }

  play() {
    this.plays += 1;
  }
}

let onError;
globalThis.HTMLVideoElement = Film;
globalThis.MediaError = { MEDIA_ERR_NETWORK: 2, MEDIA_ERR_DECODE: 3, MEDIA_ERR_SRC_NOT_SUPPORTED: 4 };
globalThis.document = { addEventListener: (_kind, listener) => (onError = listener) };
await import("../../static/js/film.js");

async function fails(film) {
  onError({ target: film });
  await new Promise((resolve) => setImmediate(resolve));
  return film;
}

test("one that never played is left alone, and so is one that cannot be decoded", async () => {
  assert.equal((await fails(new Film(4, 0, false))).loads, 0);
  assert.equal((await fails(new Film(3, 60, false))).loads, 0);
});

test("one that played goes on where it was, and not again at once", async () => {
  const film = await fails(new Film(2, 60, false));
  assert.deepEqual([film.loads, film.currentTime, film.plays], [1, 60, 1]);
  assert.equal((await fails(film)).loads, 1);
});
