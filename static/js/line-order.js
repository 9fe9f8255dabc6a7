// A field with one thing a line (data-lines): Alt and an arrow move the line of the caret, as editors do.

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/** The text with the caret's line moved by a step, and where the caret is then; null at the edge. */
export function moveLine(text, caret, step) {
  const lines = text.split("\n");
  const before = text.slice(0, caret).split("\n");
  const at = before.length - 1;
  const to = at + step;
  if (to < 0 || to >= lines.length) return null;
  [lines[at], lines[to]] = [lines[to], lines[at]];
  return { text: lines.join("\n"), caret: lines.slice(0, to).join("\n").length + (to > 0) + before[at].length };
}

function onKey(event) {
  const field = event.target;
  const step = STEPS[event.key];
  if (!step || !event.altKey || event.isComposing || !field.matches?.("textarea[data-lines]")) return;
  event.preventDefault();
  const moved = moveLine(field.value, field.selectionStart, step);
  if (!moved) return;
  field.value = moved.text;
  field.setSelectionRange(moved.caret, moved.caret);
}

document.addEventListener("keydown", onKey);
