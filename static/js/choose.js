// A list of which several are chosen: all at once, and how many there are.
//   data-choose            around list and form
//   data-choose-one        each checkbox (with data-stays and an id it stays chosen when the list is fetched again, see refresh.js)
//   data-choose-all        button that chooses all, or none when all are chosen
//   data-choose-count      where their number is told

const boxesOf = (area) => [...area.querySelectorAll("[data-choose-one]")];

function tell(area) {
  const boxes = boxesOf(area);
  const chosen = boxes.filter((box) => box.checked).length;
  const count = area.querySelector("[data-choose-count]");
  if (count) count.textContent = chosen ? String(chosen) : "";
  for (const button of area.querySelectorAll('.bulk-bar [type="submit"]')) button.disabled = !chosen;
  const all = area.querySelector("[data-choose-all]");
  if (all) all.setAttribute("aria-pressed", String(boxes.length > 0 && chosen === boxes.length));
}

for (const area of document.querySelectorAll("[data-choose]")) {
  const all = area.querySelector("[data-choose-all]");
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const boxes = boxesOf(area);
      const wanted = boxes.some((box) => !box.checked);
      for (const box of boxes) box.checked = wanted;
      tell(area);
    });
  }
  area.addEventListener("change", () => tell(area));
  for (const swapped of ["mainline:swapped", "htmx:afterSettle"]) area.addEventListener(swapped, () => tell(area));
  tell(area);
}
