// A link to a line of the text puts the cursor there and shows it.
(() => {
  const text = document.getElementById("text");
  if (!text) return;
  for (const link of document.querySelectorAll("[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const lines = text.value.split("\n");
      const at = Math.min(Number(link.dataset.line), lines.length) - 1;
      const start = lines.slice(0, at).reduce((sum, line) => sum + line.length + 1, 0);
      text.focus();
      text.setSelectionRange(start, start + lines[at].length);
      text.scrollTop = Math.max(0, at - 5) * parseFloat(getComputedStyle(text).lineHeight);
    });
  }
})();
