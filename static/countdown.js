// Makes the clocks of a page tick, once a second. Every clock is complete without this file.
// The server's time counts: each clock carries the instant at which the page was made, and only how
// long ago that was is measured here, so that a wrong clock on this machine does no harm. The wall
// clock measures it, not performance.now(), which stands still while a laptop sleeps.
"use strict";

(() => {
  const loaded = Date.now();

  const pad = (number) => String(number).padStart(2, "0");

  const words = (seconds, units) => {
    const [day, hour, minute, second] = units;
    const s = Math.floor(Math.abs(seconds));
    const days = Math.floor(s / 86400), hours = Math.floor(s / 3600) % 24, minutes = Math.floor(s / 60) % 60;
    if (s < 60) return `${s} ${second}`;
    if (days) return hours ? `${days} ${day} ${hours} ${hour}` : `${days} ${day}`;
    if (hours) return minutes ? `${hours} ${hour} ${minutes} ${minute}` : `${hours} ${hour}`;
    return `${minutes} ${minute}`;
  };

  const digits = (seconds) => {
    const s = Math.floor(Math.abs(seconds));
    return `${seconds < 0 ? "+" : ""}${pad(Math.floor(s / 3600))}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  };

  const level = (left, share) => {
    if (left < 0) return "late";
    if (share <= 0.125) return "urgent";
    return share <= 0.334 ? "soon" : "calm";
  };

  const set = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  const tick = (clock) => {
    const { due, start, now, say } = clock.bc;
    const left = due - (now + (Date.now() - loaded) / 1000);
    const share = left / Math.max(due - start, 1);
    const form = left < 0 ? say.late : say.left;
    clock.dataset.level = level(left, share);
    set(clock.querySelector("[data-left]"), form.replace("{}", words(left, say.units)));
    set(clock.querySelector("[data-tick]"), digits(left));
    const rest = clock.querySelector("[data-rest]");
    if (rest) rest.setAttribute("stroke-dasharray", `${(Math.min(Math.max(share, 0), 1) * 100).toFixed(2)} 100`);
  };

  const clocks = [...document.querySelectorAll("[data-countdown]")];
  for (const clock of clocks) {
    const { due, start, now, words: say } = clock.dataset;
    clock.bc = { due: Number(due), start: Number(start), now: Number(now), say: JSON.parse(say) };
    const ticking = clock.querySelector("[data-tick]");
    if (ticking) ticking.hidden = false;
  }
  const all = () => clocks.forEach(tick);
  if (clocks.length) {
    all();
    setInterval(all, 1000);
  }
})();
