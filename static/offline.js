// The program inside an offline form: makes a report of what is typed and signs it, by Standard Webhooks,
// HMAC-SHA256 over id.timestamp.body. It asks no network for anything.
"use strict";
(() => {
  const known = JSON.parse(document.getElementById("known").textContent);
  const form = document.querySelector("form");
  const said = document.getElementById("said");
  const KEY = `offline:${known.key}`;
  const ID = `${KEY}:id`;
  const MADE = `${KEY}:made`;
  document.getElementById("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const say = (words) => { said.textContent = words; said.hidden = false; said.scrollIntoView({ block: "nearest" }); };
  const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  const typed = () => {
    const all = {};
    for (const [name, value] of new FormData(form)) if (value) (all[name] ??= []).push(value);
    return all;
  };

  // What was typed survives closing the page, where the browser keeps anything for a file.
  const kept = (() => { try { return window.localStorage; } catch { return null; } })();
  const keep = (name, value) => { try { kept?.setItem(name, value); } catch { /* full */ } };
  const forget = (...names) => { try { for (const name of names) kept?.removeItem(name); } catch { /* closed */ } };
  // One report has one id, however often its file is made: two files of it are no two incidents.
  const newId = () => `offline_${[...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
  let made = null;
  let id = null;
  const anew = () => { forget(KEY, ID, MADE); id = newId(); made = null; };
  try {
    if (kept?.getItem(MADE)) anew(); // its file is made: what is told next is another breach
    id ??= kept?.getItem(ID) ?? newId();
    const before = JSON.parse(kept?.getItem(KEY) ?? "{}");
    for (const field of form.elements) {
      const values = before[field.name];
      if (!values) continue;
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
      else [field.value] = values;
    }
  } catch { id ??= newId(); }
  form.addEventListener("input", () => { forget(MADE); keep(ID, id); keep(KEY, JSON.stringify(typed())); });
  document.getElementById("anew").addEventListener("click", () => {
    if (!window.confirm(known.words.anew)) return;
    anew();
    form.reset();
    document.getElementById("out").hidden = said.hidden = true;
    form.elements[0].focus();
  });

  const put = (facts, name, value) => {
    const path = name.split(".");
    let place = facts;
    for (const part of path.slice(0, -1)) place = place[part] ??= {};
    place[path.at(-1)] = value;
  };
  const whole = (text) => {
    if (!/^[0-9]{1,15}$/.test(text)) throw new RangeError(text);
    return Number(text);
  };
  const read = {
    long: ([text]) => text.trim(), text: ([text]) => text.trim(), flag: () => true, many: (all) => all,
    choice: ([word]) => (word === "unknown" ? undefined : word),
    lines: ([text]) => text.split("\n").map((line) => line.trim()).filter(Boolean),
    whole: ([text]) => whole(text.trim()), time: ([text]) => new Date(text).toISOString(),
  };
  const title = (text) => {
    const first = text.trim().split(/(?<=[.!?])\s|\n/)[0].trim();
    return first.length <= 120 ? first : `${first.slice(0, 119).replace(/\s\S*$/, "")}…`;
  };
  const facts = () => {
    const told = {};
    for (const [name, values] of Object.entries(typed())) {
      const value = known.kinds[name] && read[known.kinds[name]](values);
      if (value !== undefined && value !== "") put(told, name, value);
    }
    if (told.description) told.title = title(told.description);
    told.chain = known.parties;
    return told;
  };
  const sign = async (text) => {
    const secret = Uint8Array.from(atob(known.secret.slice(6)), (sign) => sign.charCodeAt(0));
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return `v1,${base64(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)))}`;
  };

  const signedFile = async (told) => {
    const now = new Date();
    const at = String(Math.floor(now / 1000));
    const body = JSON.stringify({ type: "incident.reported", timestamp: now.toISOString(), data: told });
    const signature = await sign(`${id}.${at}.${body}`);
    const text = JSON.stringify({ key: known.key, "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature, body }, null, 1);
    return { text, name: `breach-report-${now.toISOString().slice(0, 16).replace(/[:T]/g, "-")}.json` };
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.crypto?.subtle) { say(known.words.cannot); return; }
    let told;
    try { told = facts(); } catch { say(known.words.wrong); return; }
    if (!told.description) { say(known.words.empty); return; }
    const words = JSON.stringify(told);
    if (made?.words !== words) made = { words, ...await signedFile(told) };
    const file = document.getElementById("file");
    file.href = URL.createObjectURL(new Blob([made.text], { type: "application/json" }));
    file.download = made.name;
    file.click();
    document.getElementById("text").value = made.text;
    document.getElementById("out").hidden = false;
    keep(MADE, "yes");
    say(known.words.made);
  });
})();
