// A field with data-filter="#list" narrows that list down to the rows that have all its words. What is chosen stays in sight.

function filter({ target }) {
  const list = target.dataset?.filter && document.querySelector(target.dataset.filter);
  if (!list) return;
  const words = target.value.normalize("NFKC").trim().toLowerCase().split(/\s+/);
  for (const row of list.children) {
    const shown = row.querySelector("input:checked") || words.every((word) => row.textContent.toLowerCase().includes(word));
    row.hidden = !shown;
  }
}

/** Enter would send the form in which the field stands. */
function stay(event) {
  if (event.key === "Enter" && event.target.dataset?.filter && !event.isComposing && !event.target.name) event.preventDefault();
}

document.addEventListener("input", filter);
document.addEventListener("keydown", stay);
