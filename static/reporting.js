// Keeps what is typed on this device until it is received, and sends it over a line that comes and goes.
// Without this file the form works as any other.
"use strict";
(() => {
  const form = document.querySelector("form[data-keep]");
  const PREFIX = "report:";
  const WAIT = 20000; // ms until a try is given up
  const AGAIN = 15000; // ms until the next one
  const kept = (() => { try { return window.localStorage; } catch { return null; } })();
  const sent = document.querySelector("[data-done]")?.dataset.done;

  // A confirmed form is kept no longer, whichever page it was typed on.
  if (kept && sent) {
    for (const key of Object.keys(kept)) {
      if (key.startsWith(PREFIX) && kept.getItem(key).includes(`"form_id":["${sent}"]`)) kept.removeItem(key);
    }
  }
  if (!form || !kept || !window.fetch) return;
  const key = PREFIX + location.pathname;
  const note = form.querySelector("[data-said]");
  const button = form.querySelector("button.p");
  let timer = 0;
  let busy = false;
  if (document.querySelector("[data-sent]")) kept.removeItem(key);

  const say = (words) => { note.textContent = words; note.hidden = !words; if (words) note.scrollIntoView({ block: "nearest" }); };
  const read = () => {
    const all = {};
    for (const [name, value] of new FormData(form)) if (value) (all[name] ??= []).push(value);
    return all;
  };
  const keep = () => { try { kept.setItem(key, JSON.stringify(read())); } catch { /* full: then only the page has it */ } };
  const put = (all) => {
    for (const field of form.elements) {
      if (!field.name || field.name === "switch" || field.name === "lang") continue;
      const values = all[field.name] ?? [];
      if (field.name === "zone" && values.length) choose(field, values[0]);
      else if (field.type === "radio" || field.type === "checkbox") { if (values.length || field.type === "checkbox") field.checked = values.includes(field.value); }
      else if (values.length) field.value = values[0];
    }
  };
  const choose = (select, zone) => {
    if (![...select.options].some((each) => each.value === zone)) select.add(new Option(zone, zone));
    select.value = zone;
  };

  const text = kept.getItem(key);
  if (text && !("typed" in form.dataset)) {
    try { put(JSON.parse(text)); say(form.dataset.restored); } catch { kept.removeItem(key); }
  } else if (!("typed" in form.dataset)) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (here) choose(form.elements.zone, here);
  }
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  if ("typed" in form.dataset) keep();

  const failed = (words) => {
    busy = false;
    button.disabled = false;
    say(words);
    clearTimeout(timer);
    timer = setTimeout(send, AGAIN);
  };
  const send = async () => {
    if (busy) return;
    busy = true;
    button.disabled = true;
    clearTimeout(timer);
    say(form.dataset.sending);
    const giving = new AbortController();
    const limit = setTimeout(() => giving.abort(), WAIT);
    let answer;
    try {
      answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)), signal: giving.signal,
        headers: { Accept: "application/json" },
      });
      if (answer.status === 201) {
        const { to } = await answer.json();
        kept.removeItem(key);
        location.assign(to);
        return;
      }
    } catch {
      failed(form.dataset.failed);
      return;
    } finally {
      clearTimeout(limit);
    }
    if (answer.status === 429 || answer.status >= 500) { failed(form.dataset.refused); return; }
    form.submit(); // what is wrong with it the page itself says, with everything that is typed
  };
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "switch") { keep(); return; }
    event.preventDefault();
    keep();
    send();
  });
  window.addEventListener("online", () => { if (timer) send(); });
})();
