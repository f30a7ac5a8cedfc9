// Opens a paper plan with its passphrase: AES-256-GCM, key by PBKDF2-HMAC-SHA256. It asks no network.
"use strict";
(() => {
  const kept = JSON.parse(document.getElementById("kept").textContent);
  const words = JSON.parse(document.getElementById("words").textContent);
  const form = document.querySelector("form");
  const said = document.getElementById("said");
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const say = (text) => { said.textContent = text; said.hidden = !text; };

  const open = async (passphrase) => {
    const plain = new TextEncoder().encode(passphrase.normalize("NFKC").trim());
    const typed = await crypto.subtle.importKey("raw", plain, "PBKDF2", false, ["deriveKey"]);
    const key = await crypto.subtle.deriveKey(
      { name: "PBKDF2", hash: "SHA-256", salt: bytes(kept.salt), iterations: kept.rounds },
      typed, { name: "AES-GCM", length: 256 }, false, ["decrypt"],
    );
    const bound = new TextEncoder().encode("breachclock plan 1");
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(kept.nonce), additionalData: bound }, key, bytes(kept.data));
    return new TextDecoder().decode(opened);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.crypto?.subtle) { say(words.cannot); return; }
    const field = document.getElementById("passphrase");
    const button = form.querySelector("button");
    button.disabled = true;
    say(words.opening);
    try {
      const page = new DOMParser().parseFromString(await open(field.value), "text/html");
      const plan = document.getElementById("plan");
      plan.replaceChildren(...page.body.childNodes);
      plan.hidden = false;
      document.getElementById("locked").hidden = true;
      document.getElementById("opened").hidden = false;
      field.value = "";
      plan.focus();
    } catch {
      say(words.wrong);
      field.select();
    } finally {
      button.disabled = false;
    }
  });
  document.getElementById("print").addEventListener("click", () => window.print());
})();
