// Keys for a screen that is shown by noVNC: the bar for phones, and text that was composed here.
//
// VNC carries key symbols, and QEMU knows only those of its keyboard: letters, digits and signs of ASCII arrive as keys.
// Text with anything else in it (Chinese above all) is given to sendText as a whole, never half of it as keys.

const KEYS = { ctrl: [0xffe3, "ControlLeft"], alt: [0xffe9, "AltLeft"], tab: [0xff09, "Tab"], esc: [0xff1b, "Escape"], enter: [0xff0d, "Enter"], backspace: [0xff08, "Backspace"] };

const SHIFT = [0xffe1, "ShiftLeft"];
const NEEDS_SHIFT = /[A-Z~!@#$%^&*()_+{}|:"<>?]/; // on the desktop's keyboard, which is a US one

export const isPlain = (text) => /^[\x20-\x7e\n\t]*$/.test(text);

/** Connects the bar and the two text fields. screen(): the live RFB object or null. sendText(text): false when it was not taken. */
export function startKeys({ screen, sendText }) {
  const held = new Set();
  const keyboard = document.getElementById("keyboard");

  const press = (name) => screen()?.sendKey(...KEYS[name]);
  const stroke = (char) => {
    const shifted = NEEDS_SHIFT.test(char);
    if (shifted) screen()?.sendKey(...SHIFT, true);
    screen()?.sendKey(char.codePointAt(0), null);
    if (shifted) screen()?.sendKey(...SHIFT, false);
  };
  const type = (text) => {
    for (const char of text) {
      if (char === "\n") press("enter");
      else if (char === "\t") press("tab");
      else stroke(char);
    }
    release();
  };
  const give = (text) => (isPlain(text) ? type(text) : sendText(text));

  function hold(button, on) {
    const name = button.dataset.hold;
    button.setAttribute("aria-pressed", String(on));
    held[on ? "add" : "delete"](name);
    screen()?.sendKey(...KEYS[name], on);
  }

  /** A held Ctrl or Alt counts for the next key, as on every phone keyboard. */
  function release() {
    for (const button of document.querySelectorAll('[data-hold][aria-pressed="true"]')) hold(button, false);
  }

  for (const button of document.querySelectorAll("[data-hold]")) {
    button.addEventListener("click", () => hold(button, !held.has(button.dataset.hold)));
  }
  for (const button of document.querySelectorAll("[data-press]")) {
    button.addEventListener("click", () => (press(button.dataset.press), release()));
  }

  // The phone's own keyboard, over a field nobody sees. Composed text arrives when the composition ends.
  document.getElementById("keyboard-button").addEventListener("click", () => keyboard.focus());
  keyboard.addEventListener("input", (event) => {
    if (event.isComposing) return;
    const text = keyboard.value;
    keyboard.value = "";
    if (event.inputType === "deleteContentBackward") press("backspace");
    else if (text) give(text);
  });
  keyboard.addEventListener("compositionend", () => {
    const text = keyboard.value;
    keyboard.value = "";
    if (text) give(text);
  });
  keyboard.addEventListener("keydown", (event) => {
    const name = { Enter: "enter", Backspace: "backspace", Tab: "tab", Escape: "esc" }[event.key];
    if (!name || event.isComposing) return;
    event.preventDefault();
    press(name);
    release();
  });

  startPanel(give);
  return { release };
}

function startPanel(give) {
  const panel = document.getElementById("text-panel");
  const button = document.getElementById("text-button");
  const field = document.getElementById("text-field");
  const show = (on) => {
    panel.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (on) field.focus();
  };
  button.addEventListener("click", async () => {
    show(panel.hidden);
    if (panel.hidden || field.value || !navigator.clipboard?.readText) return;
    try {
      field.value = await navigator.clipboard.readText();
    } catch {
      // The browser did not allow it: the person pastes by hand.
    }
  });
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    if (!text) return;
    if (give(text) === false) return; // kept, so that nothing written is lost
    field.value = "";
    show(false);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) panel.requestSubmit();
  });
}
