// Buttons that copy what stands beside them: data-copy="id of the element", data-copied="what to say then".

import { toast } from "mainline/toasts";

/** True when it is on the clipboard. Browsers have navigator.clipboard on https and localhost only. */
async function copy(element) {
  const selection = getSelection();
  selection.selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    return document.execCommand("copy");
  } finally {
    selection.removeAllRanges();
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button && (await copy(document.getElementById(button.dataset.copy)))) toast(button.dataset.copied, { tone: "done" });
});
