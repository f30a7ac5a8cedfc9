// A double click sends a form once. Without this file the server takes each press for what it is.
"use strict";

(() => {
  const WAIT = 5000; // ms: long enough for a slow answer, short enough for a second try
  const sent = new WeakMap();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    const last = sent.get(form);
    if (last !== undefined && Date.now() - last < WAIT) event.preventDefault();
    else sent.set(form, Date.now());
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of document.forms) sent.delete(form);
  });
})();
