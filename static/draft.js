// Keeps what is typed on the server while it is typed, and shows what the rules make of it. Without this
// file each section has a button for it.
"use strict";

(() => {
  const WAIT = 900; // ms of quiet after the last key
  const AGAIN = 8000; // ms until another try when the server did not answer
  const LARGEST = 60000; // bytes that a browser still sends when its page goes away
  const form = document.querySelector("form[data-draft-href]");
  if (!form) return;
  const words = JSON.parse(form.dataset.words);
  const status = form.querySelector("[data-status]");
  let timer, kept = read(), running = false, wanted = false, out = false;

  for (const each of form.querySelectorAll("[data-by-hand]")) each.hidden = true;

  function read() {
    const found = {};
    for (const [name, value] of new FormData(form)) {
      if (!["csrf_token", "draft", "after"].includes(name)) (found[name] ??= []).push(value);
    }
    return found;
  }

  function touched() {
    const now = read();
    const names = new Set([...Object.keys(now), ...Object.keys(kept)]);
    return [...names].filter((name) => JSON.stringify(now[name]) !== JSON.stringify(kept[name]));
  }

  function say(text, link) {
    status.textContent = text;
    if (!link) return;
    const place = document.createElement("a");
    Object.assign(place, { href: link, target: "_blank", rel: "noopener", textContent: words.sign_in });
    status.append(" ", place);
  }

  async function save() {
    clearTimeout(timer);
    if (running) { wanted = true; return; }
    const names = touched();
    if (!names.length) return;
    const sent = read(), data = new FormData(form);
    for (const name of names) data.append("touched", name);
    running = true;
    say(words.saving);
    try {
      const body = new URLSearchParams(data).toString();
      const options = { method: "POST", body, keepalive: body.length < LARGEST,
                        headers: { "X-Requested-With": "fetch", Accept: "text/html",
                                   "Content-Type": "application/x-www-form-urlencoded" } };
      const answer = await fetch(form.dataset.draftHref, options);
      if (answer.ok) take(await answer.text(), sent);
      else if ([400, 401, 403].includes(answer.status)) { out = true; say(words.out, form.dataset.signIn); }
      else later();
    } catch { later(); }
    running = false;
    if (wanted) { wanted = false; save(); }
  }

  function later() {
    say(words.away);
    timer = setTimeout(save, AGAIN);
  }

  function take(text, sent) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("beside");
    kept = sent;
    out = false;
    const why = document.querySelector("#beside .in-more");
    const opened = why ? why.open : true;
    document.getElementById("beside").replaceWith(fresh);
    const now = fresh.querySelector(".in-more");
    if (now) now.open = opened;
    if (fresh.dataset.elsewhere) say(fresh.dataset.elsewhere);
    else {
      if (fresh.dataset.draft) form.elements.draft.value = fresh.dataset.draft;
      say(fresh.dataset.saved || "");
    }
  }

  // Signed in again in another window: the form needs the token of the new sign-in.
  async function back() {
    if (!out) return;
    try {
      const page = await fetch(form.dataset.page, { headers: { Accept: "text/html" } });
      const found = new DOMParser().parseFromString(await page.text(), "text/html");
      const token = found.querySelector("form[data-draft-href] [name=csrf_token]");
      if (!token) return;
      for (const each of document.querySelectorAll("[name=csrf_token]")) each.value = token.value;
      save();
    } catch { /* still away: the next look tries again */ }
  }

  form.addEventListener("input", () => {
    if (!running && !out) say(words.unsaved);
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  });
  form.addEventListener("change", save);
  document.addEventListener("visibilitychange", () => (document.hidden ? save() : back()));
  window.addEventListener("focus", back);
  window.addEventListener("pagehide", save);
})();
