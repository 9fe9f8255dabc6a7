// The one button of a page for paper.

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
