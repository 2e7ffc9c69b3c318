/* Opens the pages of a worker's round without network. Pages and parts of pages: network first, else the last
   copy. Nothing else is touched, and signing out forgets the pages. */
const PAGES = "gezhi-pages-1", PARTS = "gezhi-parts-1", PATIENCE = 6000, MOST_PARTS = 80;
const KEPT = ["{% url 'cases:report' %}", "{% url 'cases:outbox' %}", "{% url 'cases:today' %}"];
const LOGIN = "{% url 'login' %}", STATIC = "{% load static %}{% get_static_prefix %}";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("gezhi-") && ![PAGES, PARTS].includes(name)) await caches.delete(name);
  await self.clients.claim();
})()));

async function page(request, path) {
  const cache = await caches.open(PAGES);
  const wait = new AbortController(), timer = setTimeout(() => wait.abort(), PATIENCE);
  try {
    const kept = await cache.match(path);
    const answer = await fetch(request, kept ? { signal: wait.signal } : {});
    if (answer.ok && !answer.redirected && !new URL(answer.url).search) await cache.put(path, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(path);
    if (kept) return kept;
    throw error;
  } finally { clearTimeout(timer); }
}
/* a name with a hash never changes; any other is asked for first */
async function part(request) {
  const cache = await caches.open(PARTS), kept = await cache.match(request);
  if (kept && /\.[0-9a-f]{8,}\./.test(request.url)) return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok) { await cache.put(request, answer.clone()); trim(cache); }
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
async function trim(cache) {
  const names = await cache.keys();
  for (const old of names.slice(0, Math.max(0, names.length - MOST_PARTS))) await cache.delete(old);
}
/* a page of the round asks for the others to be kept too, so that they open the first time without network */
self.addEventListener("message", (event) => { if (event.data === "keep-pages") event.waitUntil(keepPages()); });
async function keepPages() {
  const cache = await caches.open(PAGES);
  for (const path of KEPT) {
    if (await cache.match(path)) continue;
    const answer = await fetch(path, { headers: { "X-Background": "1" }, redirect: "manual" }).catch(() => null);
    if (answer?.ok) await cache.put(path, answer);
  }
}
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === LOGIN) event.waitUntil(caches.delete(PAGES));
  else if (request.mode === "navigate" && KEPT.includes(url.pathname)) event.respondWith(page(request, url.pathname));
  else if (STATIC.startsWith("/") && url.pathname.startsWith(STATIC)) event.respondWith(part(request));
});
