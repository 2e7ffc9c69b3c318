/* News while a page stays open: [data-live="url"], polled (every 30 s) or streamed (data-live-kind="stream").
   The answer is JSON {unread, text, href, action, counts: {key: n}}: the bell and every [data-count-of=key] follow it,
   `text` is said as one toast, at most one in 10 s. A hidden page asks nothing. Asking never counts as use of the
   session (X-Background). Pages listen to the document's event "gezhi:news" for more. */

const GAP = 10000;
let lastToast = 0, waiting = null;

function say(news) {
  const wait = lastToast + GAP - Date.now();
  if (wait > 0) {
    if (!waiting) setTimeout(() => { const next = waiting; waiting = null; say(next); }, wait);
    waiting = news;
    return;
  }
  lastToast = Date.now();
  window.gezhi.toast({ text: news.text, tone: "info", href: news.href || "", action: news.action || "" });
}

function bell(unread) {
  for (const door of document.querySelectorAll(".bell")) {
    const count = door.querySelector("[data-unread]");
    if (count) { count.textContent = unread > 99 ? "99+" : unread; count.hidden = !unread; }
    door.setAttribute("aria-label", unread ? door.dataset.labelSome.replace("{count}", unread) : door.dataset.labelNone);
  }
}

function hear(news) {
  if (typeof news.unread === "number") bell(news.unread);
  for (const [key, count] of Object.entries(news.counts || {})) {
    for (const slot of document.querySelectorAll(`[data-count-of="${CSS.escape(key)}"]`)) { slot.textContent = count; slot.hidden = slot.dataset.hideZero !== undefined && !count; }
  }
  document.dispatchEvent(new CustomEvent("gezhi:news", { detail: news }));
  if (news.text) say(news);
}

function poll(source) {
  const every = Number(source.dataset.liveSeconds || 30) * 1000;
  let failures = 0, timer = 0, asked = Date.now(), over = false;
  const next = () => { timer = setTimeout(ask, every * Math.min(8, 2 ** failures)); };
  // Who comes back to a page that was hidden sees at once what came meanwhile.
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !over && Date.now() - asked >= every) { clearTimeout(timer); ask(); } });
  async function ask() {
    if (document.hidden || !navigator.onLine) { next(); return; }
    asked = Date.now();
    try {
      const answer = await fetch(source.dataset.live, { headers: { "X-Background": "1", Accept: "application/json" }, credentials: "same-origin", redirect: "error" });
      if (answer.status === 401 || answer.status === 403) { over = true; return; }
      if (answer.ok && answer.status !== 204) hear(await answer.json());
      failures = answer.ok ? 0 : failures + 1;
    } catch { failures += 1; }
    next();
  }
  next();
}

function stream(source) {
  let events = null;
  const open = () => { if (!events && !document.hidden) { events = new EventSource(source.dataset.live); events.onmessage = (event) => hear(JSON.parse(event.data)); } };
  document.addEventListener("visibilitychange", () => { if (document.hidden) { events?.close(); events = null; } else open(); });
  open();
}

for (const source of document.querySelectorAll("[data-live]")) (source.dataset.liveKind === "stream" ? stream : poll)(source);
