// Follows the workspace's events: what happened is fetched anew from this very page, progress is drawn as it comes.
"use strict";
(() => {
  const body = document.body, sign = document.getElementById("live");
  let seq = body.dataset.seq, wait = 500, due = 0;

  const say = (text, on) => { sign.textContent = text; sign.classList.toggle("on", on); };

  async function refresh() {
    due = 0;
    if (body.contains(document.activeElement) && document.activeElement.closest("[data-refresh] input")) { later(); return; }
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
    }
  }
  const later = () => { due = due || setTimeout(refresh, 250); };

  function hear(message) {
    if (message.seq !== undefined) seq = message.seq;
    if (message.type === "event" && /^(inspection|replay|scan|asset|change)\./.test(message.kind)) later();
    if (message.type === "hello" && message.reset) later();
    if (message.type !== "progress") return;
    const subject = message.inspection || message.change;
    for (const bar of document.querySelectorAll(`[data-progress="${subject}"]`)) bar.value = message.progress;
    for (const text of document.querySelectorAll(`[data-step="${subject}"]`)) text.textContent = message.step || "Waits for a worker";
  }

  async function connect() {
    const answer = await fetch(body.dataset.live, { method: "POST", headers: { "X-Form-Token": body.dataset.token } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) { again(); return; } // redirected: the session has ended
    const { url } = await answer.json();
    const socket = new WebSocket(`${url}&since=${seq}`);
    let heard = Date.now();
    const watch = setInterval(() => { if (Date.now() - heard > 45000) socket.close(); }, 5000);
    socket.onopen = () => { wait = 500; say("live", true); };
    socket.onmessage = (event) => { heard = Date.now(); hear(JSON.parse(event.data)); };
    socket.onclose = () => { clearInterval(watch); again(); };
  }
  function again() {
    say("reconnecting", false);
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 15000);
  }
  connect();
})();
