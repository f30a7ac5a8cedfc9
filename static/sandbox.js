// The bench without reloading: asks once a second whether there is something new, and swaps it in.
"use strict";

const bench = document.getElementById("bench");

function localTimes() {
  for (const time of bench.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString();
  }
}

function ringingEnds() {
  for (const device of bench.querySelectorAll("[data-rings-until]")) {
    if (new Date(device.dataset.ringsUntil) < new Date()) {
      device.classList.remove("rings");
      device.querySelector(".bell")?.remove();
      device.removeAttribute("data-rings-until");
    }
  }
}

function someoneWrites() {
  return [...bench.querySelectorAll("input[name=text]")].some((box) => box.value !== "");
}

async function swap() {
  const answer = await fetch(location.href, {headers: {Accept: "text/html"}});
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("bench");
  const known = new Map([...bench.querySelectorAll("details[id]")].map((mail) => [mail.id, mail.open]));
  for (const mail of fresh.querySelectorAll("details[id]")) {
    if (known.has(mail.id)) mail.open = known.get(mail.id);
  }
  const focused = document.activeElement?.id;
  bench.dataset.version = fresh.dataset.version;
  bench.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
  localTimes();
}

async function look() {
  ringingEnds();
  if (document.hidden || someoneWrites()) return;
  try {
    const {version} = await (await fetch(bench.dataset.ask)).json();
    if (String(version) !== bench.dataset.version) await swap();
  } catch {
    // The sandbox is away for a moment; the next look finds it again.
  }
}

localTimes();
setInterval(look, 1000);
