// A list is sent as it is read from the disk, with progress that is true; a file can be dropped on the form.
// Without this file the form sends a smaller one as any other.
"use strict";

(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;
  const words = JSON.parse(form.dataset.words);
  const input = form.querySelector("input[type=file]");
  const shown = form.querySelector("[data-progress]");
  const said = form.querySelector("[data-said]");
  const bar = shown.querySelector("progress");
  let sending = false;

  const say = (text, share) => {
    shown.hidden = false;
    said.textContent = text;
    bar.value = share;
  };

  const send = (file) => {
    if (sending) return;
    sending = true;
    const asked = new XMLHttpRequest();
    asked.open("POST", form.action);
    asked.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    asked.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    asked.setRequestHeader("Content-Type", "application/octet-stream");
    asked.upload.addEventListener("progress", (event) => {
      const share = event.loaded / Math.max(event.total, 1);
      say(share < 1 ? `${Math.floor(share * 100)} % ${words.sent}` : words.keeping, share);
    });
    const fail = () => {
      sending = false;
      say(words.failed, 0);
    };
    asked.addEventListener("load", () => {
      if (asked.status === 201) window.location.assign(asked.responseText);
      else fail();
    });
    for (const name of ["error", "abort", "timeout"]) asked.addEventListener(name, fail);
    asked.send(file);
  };

  form.addEventListener("submit", (event) => {
    if (!input.files.length) return;
    event.preventDefault();
    send(input.files[0]);
  });
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      form.classList.add("te-drop--over");
    });
  }
  form.addEventListener("dragleave", () => form.classList.remove("te-drop--over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("te-drop--over");
    if (event.dataTransfer.files.length === 1) {
      input.files = event.dataTransfer.files;
      send(event.dataTransfer.files[0]);
    }
  });
})();
