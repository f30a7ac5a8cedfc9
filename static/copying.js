// A button beside each answer that copies it; without it an answer is selected whole by one click.
(() => {
  const words = document.querySelector("[data-copy-words]");
  if (!words || !navigator.clipboard) return;
  const { copy, copied } = words.dataset;
  for (const answer of document.querySelectorAll("[data-copy-this]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bc-copy";
    button.textContent = copy;
    button.setAttribute("aria-label", `${copy}: ${answer.dataset.copyThis}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(answer.textContent.trim());
      button.textContent = copied;
      setTimeout(() => { button.textContent = copy; }, 1500);
    });
    answer.nextElementSibling?.append(button);
  }
})();
