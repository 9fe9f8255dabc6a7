// Light, dark or as the system: buttons with data-theme-choice.

function stored(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function keep(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // Storage is blocked: the choice lasts for this page only.
  }
}

function mark() {
  const choice = stored("mainline.theme") || "auto";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

export function startTheme() {
  mark();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    event.stopPropagation();
    keep("mainline.theme", button.dataset.themeChoice === "auto" ? "" : button.dataset.themeChoice);
    dispatchEvent(new Event("mainline:theme"));
    mark();
  });
}
