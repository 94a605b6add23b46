// Tells an open page that its session has ended elsewhere. Everything else works without this file.
"use strict";

const SLOWEST_RETRY_MS = 15_000;

// A form on its way may be the very one that ends the session; give the page it leads to time to come.
const FORM_GRACE_MS = 3_000;

let retryMs = 500;
let formSent = false;

document.addEventListener("submit", () => {
  formSent = true;
});

function say() {
  const dialog = document.getElementById("ended");
  if (!dialog.open) dialog.showModal();
}

function listen() {
  const address = new URL("/live", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  let ended = false;

  socket.addEventListener("open", () => {
    retryMs = 500;
  });
  socket.addEventListener("message", (message) => {
    if (message.data === "ended") {
      ended = true;
      setTimeout(say, formSent ? FORM_GRACE_MS : 0);
    }
  });
  // A lost network is not an ended session: ask again, ever more patiently.
  socket.addEventListener("close", () => {
    if (ended) return;
    setTimeout(listen, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, SLOWEST_RETRY_MS);
  });
}

listen();
