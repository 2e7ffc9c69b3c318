/* Today's list: the check opens as a sheet; distances from where the worker stands. Without it: plain pages. */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
let here = null;

function metres(from, lat, lng) {
  const rad = Math.PI / 180, east = (lng - from.longitude) * Math.cos(((lat + from.latitude) / 2) * rad), north = lat - from.latitude;
  return Math.hypot(east, north) * 111320;
}
const words = (m) => (document.documentElement.lang.startsWith("zh") ? (m < 1000 ? `${Math.max(1, Math.round(m))} 米` : `${(m / 1000).toFixed(1)} 公里`) : (m < 1000 ? `${Math.max(1, Math.round(m))} m` : `${(m / 1000).toFixed(1)} km`));

function show() {
  if (!here) return;
  for (const card of $$("article[data-lat]")) { const slot = $("[data-distance]", card); if (slot) slot.textContent = words(metres(here, +card.dataset.lat, +card.dataset.lng)); }
  for (const line of $$("[data-here]")) {
    const m = metres(here, +line.dataset.lat, +line.dataset.lng), near = m <= 50 + (here.accuracy || 0);
    line.hidden = false;
    line.dataset.tone = near ? "green" : "yellow";
    $("span", line).textContent = (near ? line.dataset.near : line.dataset.far).replace("{m}", words(m));
  }
}
function find() {
  navigator.geolocation?.getCurrentPosition(({ coords }) => { here = coords; show(); }, () => {}, { enableHighAccuracy: true, timeout: 8000, maximumAge: 60000 });
}
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-sheet]");
  if (!link || event.ctrlKey || event.metaKey || !navigator.onLine) return;
  event.preventDefault();
  const sheet = document.getElementById(link.dataset.sheet);
  await htmx.ajax("GET", link.href, { target: `#${link.dataset.sheet}-body`, swap: "innerHTML" });
  sheet.showPopover();
  show();
});
if ($("article[data-lat], [data-here]")) find();
