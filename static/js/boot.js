// Runs before the first paint: the chosen theme and sidebar width, so that nothing flashes. Nothing else belongs here.
(() => {
  const root = document.documentElement;
  const stored = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is blocked in some in-app browsers
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const choice = stored("mainline.theme");
    const theme = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
    root.setAttribute("data-bs-theme", root.dataset.fixedTheme || theme);
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", theme === "dark" ? "#131d21" : "#ffffff");
  };
  show();
  dark.addEventListener("change", show);
  addEventListener("mainline:theme", show);
  if (stored("mainline.sidebar") === "narrow") root.dataset.sidebar = "narrow";
})();
