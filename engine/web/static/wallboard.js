// Counts the times on without asking the server, and says whether the board is still live.
(() => {
  "use strict";
  const SILENCE = 25; // seconds; the server speaks at least every ten
  const body = document.body;
  const clock = document.getElementById("clock");
  const hour = document.getElementById("hour");
  let behind = 0; // server's monotonic clock minus ours, seconds
  let heard = 0;

  const here = () => performance.now() / 1000;
  const two = (n) => String(n).padStart(2, "0");

  function duration(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
    return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  function set(now) {
    behind = now - here();
    heard = here();
  }

  function count() {
    const now = here() + behind;
    for (const span of document.querySelectorAll("[data-since]")) {
      const passed = now - Number(span.dataset.since);
      const text = duration(passed);
      if (span.textContent !== text) span.textContent = text;
      span.classList.toggle("late", "limit" in span.dataset && passed > Number(span.dataset.limit));
    }
  }

  function tick() {
    if (body.dataset.link === "live" && here() - heard > SILENCE) body.dataset.link = "lost";
    count();
    hour.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const waiting = document.querySelector("[data-count=waiting]").textContent;
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = waiting === "0" ? title : `(${waiting}) ${title}`;
  }

  body.addEventListener("htmx:sseOpen", () => { heard = here(); body.dataset.link = "live"; });
  body.addEventListener("htmx:sseError", () => { body.dataset.link = "lost"; });
  body.addEventListener("htmx:sseMessage", (message) => {
    if (message.detail.type === "clock") {
      set(Number(message.detail.data));
      body.dataset.link = "live";
    }
    tick();
  });

  set(Number(clock.value));
  tick();
  setInterval(tick, 1000);
})();
