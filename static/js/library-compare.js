// Two previews that zoom and move in step: beside each other, or one over the other behind a line that is drawn across.

const box = document.querySelector("[data-compare]");
const choice = document.querySelector("[data-compare-choice]");
choice?.addEventListener("change", () => choice.requestSubmit());

const LEAST = 1;
const MOST = 16;
const view = { scale: 1, x: 0, y: 0 }; // x, y: shift of the middle, in parts of the stage's width and height

function start() {
  const stage = box.querySelector(".compare-stage");
  const wipe = box.querySelector(".compare-wipe");
  const pictures = [...box.querySelectorAll(".compare-picture img")];
  const pointers = new Map();

  function draw() {
    const reach = (view.scale - 1) / 2;
    view.x = Math.max(-reach, Math.min(reach, view.x));
    view.y = Math.max(-reach, Math.min(reach, view.y));
    for (const picture of pictures) picture.style.transform = `translate(${100 * view.x}%, ${100 * view.y}%) scale(${view.scale})`;
    box.querySelector("[data-scale]").textContent = `${Math.round(100 * view.scale)}%`;
    box.querySelector('[data-side="left"] .compare-picture').style.clipPath = box.dataset.mode === "slide" ? `inset(0 ${100 - wipe.value}% 0 0)` : "";
    stage.style.setProperty("--wipe", `${wipe.value}%`);
  }

  /** at: the point that stays under the pointer, in parts of the stage from its middle. */
  function zoom(factor, at = { x: 0, y: 0 }) {
    const scale = Math.max(LEAST, Math.min(MOST, view.scale * factor));
    const grown = scale / view.scale;
    view.x = at.x - (at.x - view.x) * grown;
    view.y = at.y - (at.y - view.y) * grown;
    view.scale = scale;
    draw();
  }

  function frame(event) {
    const side = event.target.closest(".compare-side") ?? stage;
    return side.getBoundingClientRect();
  }

  function point(event) {
    const area = frame(event);
    return { x: (event.clientX - area.left) / area.width - 0.5, y: (event.clientY - area.top) / area.height - 0.5 };
  }

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), point(event));
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    if (event.target === wipe) return;
    pointers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const area = box.querySelector(".compare-side").getBoundingClientRect();
    const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      zoom(apart(event) / apart(before));
    }
    view.x += (event.clientX - before.clientX) / area.width / pointers.size;
    view.y += (event.clientY - before.clientY) / area.height / pointers.size;
    pointers.set(event.pointerId, event);
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => pointers.delete(event.pointerId));

  stage.addEventListener("keydown", (event) => {
    if (event.target === wipe) return;
    const steps = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
    if (event.key in steps) {
      view.x += steps[event.key][0];
      view.y += steps[event.key][1];
      draw();
    } else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });

  function fit() {
    Object.assign(view, { scale: 1, x: 0, y: 0 });
    draw();
  }

  box.addEventListener("click", (event) => {
    const { mode, zoom: way } = event.target.closest("button")?.dataset ?? {};
    if (way === "fit") fit();
    else if (way) zoom(way === "in" ? 1.5 : 1 / 1.5);
    if (!mode) return;
    box.dataset.mode = mode;
    wipe.hidden = mode !== "slide";
    for (const button of box.querySelectorAll("button[data-mode]")) {
      button.classList.toggle("active", button.dataset.mode === mode);
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    draw();
  });
  wipe.addEventListener("input", draw);
  draw();
}

if (box) start();
