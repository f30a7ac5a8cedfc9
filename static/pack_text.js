// Writing a notification: the field one came for is ready to be typed in, and what is too long says so.
"use strict";

(() => {
  // The browser goes to the field last of all, and takes the focus with it: so this waits for that.
  const begin = () => {
    const place = location.hash.startsWith("#f-") && document.getElementById(location.hash.slice(1));
    if (place) place.querySelector("textarea, select, input:not([type=hidden])")?.focus({ preventScroll: true });
  };
  window.addEventListener("load", () => setTimeout(begin));
  window.addEventListener("hashchange", () => setTimeout(begin));

  for (const left of document.querySelectorAll("[data-left]")) {
    const box = document.getElementById(left.dataset.left), longest = Number(box.dataset.longest);
    const count = () => {
      left.textContent = `${[...box.value].length} / ${longest}`;
      left.toggleAttribute("data-over", [...box.value].length > longest);
    };
    box.addEventListener("input", count);
    count();
  }
})();
