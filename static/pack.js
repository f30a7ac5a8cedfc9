// A notification carried over field by field: one button a field, a bar that says what is next, and keys.
// Without this file every answer is selected whole by one click, and the order on the page is the form's.
"use strict";

(() => {
  const pack = document.querySelector("[data-pack]");
  if (!pack) return;
  const words = JSON.parse(pack.dataset.words);
  const fields = [...pack.querySelectorAll("[data-field]")];
  const copied = new Set(kept("copied"));
  const find = (name) => pack.querySelector(`[data-${name}]`);
  const dock = find("dock"), keys = find("keys");
  let here = null;

  // What was copied is remembered on this machine alone: keys of fields, never an answer.
  function kept(name) {
    try { return JSON.parse(localStorage.getItem(`pack ${name} ${pack.dataset.pack}`)) || []; } catch { return []; }
  }
  function keep() {
    try { localStorage.setItem(`pack copied ${pack.dataset.pack}`, JSON.stringify([...copied])); } catch { /* full or forbidden */ }
  }
  function keysOn() {
    try { return localStorage.getItem("pack keys") !== "off"; } catch { return true; }
  }

  const label = (field) => field.querySelector(".pk-label").textContent.trim();
  const answer = (field) => field.querySelector("[data-answer]");
  const copyable = fields.filter(answer);

  // The next answer after this place that is not copied yet; from the top again when the end is reached.
  function upcoming() {
    const left = copyable.filter((field) => !copied.has(field.dataset.field));
    const at = fields.indexOf(here);
    return left.find((field) => fields.indexOf(field) > at) || left[0] || null;
  }

  function goTo(field) {
    here?.removeAttribute("aria-current");
    here = field;
    here.setAttribute("aria-current", "true");
    here.focus({ preventScroll: true });
    here.scrollIntoView({ block: "center" });
  }

  function step(by) {
    const next = fields[here ? fields.indexOf(here) + by : by > 0 ? 0 : fields.length - 1];
    if (next) goTo(next);
  }

  async function put(place) {
    const text = place.textContent.trim();
    if (navigator.clipboard && window.isSecureContext) {
      try { await navigator.clipboard.writeText(text); return true; } catch { /* the older way below */ }
    }
    getSelection().selectAllChildren(place);
    return document.execCommand("copy");
  }

  async function copy(field) {
    const place = field && answer(field);
    if (!place) return;
    goTo(field);
    const done = await put(place);
    if (done) { copied.add(field.dataset.field); keep(); }
    show();
    say(done ? words.said.replace("{label}", label(field)) : words.refused);
  }

  function say(text) {
    const said = find("said");
    if (said) said.textContent = text;
    else document.title = `${text} · ${document.title.split(" · ").slice(-2).join(" · ")}`;
  }

  function show() {
    for (const field of copyable) {
      const button = field.querySelector("[data-copy]"), done = copied.has(field.dataset.field);
      button.hidden = false;
      button.toggleAttribute("data-done", done);
      button.textContent = done ? words.copied : words.copy;
    }
    if (!dock) return;
    const next = upcoming(), button = find("dock-copy"), link = find("dock-label");
    dock.hidden = false;
    find("dock-count").textContent = words.count.replace("{done}", copied.size).replace("{total}", copyable.length);
    Object.assign(find("dock-bar"), { max: Math.max(copyable.length, 1), value: copied.size });
    find("dock-word").textContent = next ? words.next : words.all;
    link.textContent = next ? `${next.querySelector(".pk-key").textContent} · ${label(next)}` : "";
    link.href = next ? `#${next.id}` : "#filed";
    link.lang = pack.querySelector(".pk-label").lang;
    button.textContent = next ? words.go : words.filed;
  }

  function toTheFiling() {
    const filed = document.getElementById("filed");
    if (!filed) return;
    filed.open = true;
    filed.scrollIntoView({ block: "start" });
    filed.querySelector("input:not([type=hidden])")?.focus();
  }

  function next() {
    const field = upcoming();
    if (field) copy(field);
    else toTheFiling();
  }

  const ACTS = {
    j: () => step(1), k: () => step(-1), c: () => copy(here || upcoming()), n: next,
    e: () => { if (here?.dataset.edit) location.assign(here.dataset.edit); },
    "?": () => keys.showModal(),
  };
  const ARROWS = { ArrowDown: "j", ArrowUp: "k" }; // they scroll as ever until a field is at hand

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const name = ARROWS[event.key] && here === document.activeElement && here ? ARROWS[event.key] : event.key;
    const act = ACTS[name];
    if (!act || !(keysOn() || name === "?")) return;
    event.preventDefault();
    act();
  });
  for (const field of fields) {
    field.querySelector("[data-copy]")?.addEventListener("click", () => copy(field));
    field.addEventListener("focusin", () => {
      if (here !== field) { here?.removeAttribute("aria-current"); here = field; field.setAttribute("aria-current", "true"); show(); }
    });
  }
  find("dock-copy")?.addEventListener("click", next);
  const begin = document.querySelector("[data-begin]");
  if (begin) { begin.hidden = false; begin.addEventListener("click", next); }
  for (const button of document.querySelectorAll("[data-keys-open]")) button.addEventListener("click", () => keys.showModal());
  for (const place of document.querySelectorAll("[data-keys-button]")) place.hidden = false;
  find("keys-close").addEventListener("click", () => keys.close());
  find("forget").addEventListener("click", () => { copied.clear(); keep(); keys.close(); show(); });
  const on = find("keys-on");
  on.checked = keysOn();
  on.addEventListener("change", () => {
    try { localStorage.setItem("pack keys", on.checked ? "on" : "off"); } catch { /* on this page only */ }
  });
  show();
})();
