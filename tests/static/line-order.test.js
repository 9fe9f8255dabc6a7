// Lines of a field change places, the caret stays in its word, and nothing is lost at the edges.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { addEventListener: () => {} };
const { moveLine } = await import("../../static/js/line-order.js");

const text = "尺寸\n横版三张\n竖版";

test("a line goes up and down, and the caret with it", () => {
  assert.deepEqual(moveLine(text, 5, -1), { text: "横版三张\n尺寸\n竖版", caret: 2 });
  assert.deepEqual(moveLine(text, 5, 1), { text: "尺寸\n竖版\n横版三张", caret: 8 });
  assert.deepEqual(moveLine(text, 1, 1), { text: "横版三张\n尺寸\n竖版", caret: 6 });
  assert.deepEqual(moveLine("\n尺寸", 0, 1), { text: "尺寸\n", caret: 3 });
});

test("the first line goes no further up, the last no further down", () => {
  assert.equal(moveLine(text, 0, -1), null);
  assert.equal(moveLine(text, text.length, 1), null);
});
