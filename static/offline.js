// The program inside an offline form: makes a report of what is typed and signs it, by Standard Webhooks,
// HMAC-SHA256 over id.timestamp.body. It asks no network for anything.
"use strict";
(() => {
  const known = JSON.parse(document.getElementById("known").textContent);
  const form = document.querySelector("form");
  const said = document.getElementById("said");
  const KEY = `offline:${known.key}`;
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
  try {
    const before = JSON.parse(kept?.getItem(KEY) ?? "{}");
    for (const field of form.elements) {
      const values = before[field.name];
      if (!values) continue;
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
      else [field.value] = values;
    }
  } catch { /* begin anew */ }
  form.addEventListener("input", () => { try { kept?.setItem(KEY, JSON.stringify(typed())); } catch { /* full */ } });

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

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.crypto?.subtle) { say(known.words.cannot); return; }
    let told;
    try { told = facts(); } catch { say(known.words.wrong); return; }
    if (!told.description) { say(known.words.empty); return; }
    const now = new Date();
    const id = `offline_${[...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("")}`;
    const at = String(Math.floor(now / 1000));
    const body = JSON.stringify({ type: "incident.reported", timestamp: now.toISOString(), data: told });
    const signature = await sign(`${id}.${at}.${body}`);
    const text = JSON.stringify({ key: known.key, "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature, body }, null, 1);
    const file = document.getElementById("file");
    file.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    file.download = `breach-report-${now.toISOString().slice(0, 16).replace(/[:T]/g, "-")}.json`;
    file.click();
    document.getElementById("text").value = text;
    document.getElementById("out").hidden = false;
    say(known.words.made);
  });
})();
