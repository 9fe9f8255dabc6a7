// Menus: a button with data-menu opens the .dropdown-menu behind it. Arrows walk it, Escape and a click elsewhere close it.

const OPEN = ".dropdown-menu.show";

function close(focus = false) {
  for (const menu of document.querySelectorAll(OPEN)) {
    menu.classList.remove("show");
    const button = menu.parentElement.querySelector("[data-menu]");
    button.setAttribute("aria-expanded", "false");
    if (focus) button.focus();
  }
}

function open(button) {
  button.nextElementSibling.classList.add("show");
  button.setAttribute("aria-expanded", "true");
}

function onClick(event) {
  const button = event.target.closest("[data-menu]");
  const wasOpen = button?.getAttribute("aria-expanded") === "true";
  if (event.target.closest(OPEN) && !event.target.closest(".dropdown-item")) return; // a choice of theme leaves it open
  close();
  if (button && !wasOpen) open(button);
}

function onKey(event) {
  const menu = document.querySelector(OPEN);
  if (event.key === "Escape" && menu) return void (event.stopPropagation(), close(true));
  const button = event.target.closest?.("[data-menu]");
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !(button || menu?.contains(event.target))) return;
  event.preventDefault();
  if (button) {
    close();
    open(button);
  }
  const items = [...document.querySelectorAll(`${OPEN} :is(a, button, input:not([type=hidden]))`)];
  const at = items.indexOf(document.activeElement);
  items.at(event.key === "ArrowDown" ? (at + 1) % items.length : Math.max(at, 0) - 1)?.focus();
}

export function startMenus() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey, true);
}
