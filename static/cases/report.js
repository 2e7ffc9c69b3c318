/* The report page: matter sheet, position with its grid, similar orders nearby, one id per report.
   Without it the page is a plain form with a select of all matters and the worker's grids. */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const REPORTED = "gezhi:reported";
const form = $("form[data-report]");

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* each opened page is a report of its own, also one that the phone kept (service worker) or the browser remembers;
   only a page that shows the same report's errors again keeps its id */
const reported = $("[data-reported]");
if (reported?.dataset.reported) try { sessionStorage.setItem(REPORTED, reported.dataset.reported); } catch { /* no storage: the server's answer decides */ }
function freshId() {
  const field = $("#id_client_id");
  let last = "";
  try { last = sessionStorage.getItem(REPORTED) || ""; } catch { /* as above */ }
  if (field && (!field.value || field.value === last || !$(".error-summary"))) field.value = newId();
}
addEventListener("pageshow", (event) => {
  const field = $("#id_client_id");
  let last = "";
  try { last = sessionStorage.getItem(REPORTED) || ""; } catch { /* as above */ }
  if (event.persisted && field && field.value === last) field.value = newId();
});
/* back on a page whose report was taken: the next one, from where the worker stands now */
function renewed() {
  $("#id_client_id").value = newId();
  for (const each of [lat, lng, $("#id_accuracy")]) if (each) each.value = "";
  lastNear = "";
  $("#r-near")?.replaceChildren();
  showMatter();
  $("#r-locate")?.click();
}

/* ── the matter ── */
const select = $("[data-matter]");
function showMatter() {
  const option = select.selectedOptions[0], value = select.value, pick = $(".pick");
  $("[data-pick-name]").textContent = value ? option.textContent : pick.dataset.emptyLabel;
  $("[data-pick-class]").textContent = value ? option.parentElement.label || "" : "";
  const limit = $("[data-pick-limit]");
  limit.hidden = !option?.dataset.limit;
  $("span", limit).textContent = option?.dataset.limit || "";
  for (const each of $$("[data-choose]")) each.setAttribute("aria-pressed", String(each.dataset.choose === value));
  if (value) { pick.removeAttribute("aria-invalid"); $("#id_matter-error")?.remove(); }
}
function choose(value) {
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  const sheet = $("#picker");
  if (sheet?.matches(":popover-open")) sheet.hidePopover();
}
function showClass(button) {
  for (const each of $$("[data-class]")) each.toggleAttribute("aria-current", false);
  button.setAttribute("aria-current", "true");
  for (const list of $$("[data-of-class]")) list.hidden = list.dataset.ofClass !== button.dataset.class;
}
function searching(text) {
  const found = $("#pk-found");
  found.hidden = !text;
  $("[data-pk-cols]").hidden = Boolean(text);
  if (text && !navigator.onLine) offlineSearch(text, found);
}
function offlineSearch(text, found) {
  const hits = $$("[data-of-class] [data-choose]").filter((each) => each.dataset.words.includes(text)).slice(0, 20);
  found.replaceChildren(...hits.map((each) => { const item = document.createElement("li"); item.append(each.cloneNode(true)); return item; }));
  if (!hits.length) { const none = document.createElement("li"); none.className = "pk-h"; none.textContent = found.dataset.none; found.append(none); }
}

/* ── the position ── */
const lat = $("#id_lat"), lng = $("#id_lng"), place = $("[data-where-url]");
let lastNear = "";
function query(extra = {}) { return new URLSearchParams({ lat: lat?.value || "", lng: lng?.value || "", ...extra }); }
function findPlace() {
  if (!place || !lat.value) return;
  if (!navigator.onLine) { $("#r-where").textContent = place.dataset.offline; return; }
  htmx.ajax("GET", `${place.dataset.whereUrl}?${query()}`, { target: "#r-where", swap: "innerHTML" });
}
function findSimilar() {
  const url = place?.dataset.similarUrl || $("#r-near")?.dataset.similarUrl;
  if (!url || !select.value || !navigator.onLine || (place && !lat.value)) return;
  htmx.ajax("GET", `${url}?${query({ matter: select.value })}`, { target: "#r-near", swap: "innerHTML" });
}
function nearWords() {
  const near = $("#r-where [data-near]")?.dataset.near, address = $("#id_address");
  if (near && address && (!address.value || address.value === lastNear)) { address.value = near; lastNear = near; }
}
/* the small map shows the whole grid around a position that was found, so that the pin says something */
function showGrid({ lat: y, lng: x }) {
  const map = $("[data-map]")?.map;
  let found = null;
  map?.eachLayer((layer) => { if (layer instanceof L.Polygon && layer.getBounds().contains([y, x]) && (!found || found.contains(layer.getBounds()))) found = layer.getBounds(); });
  if (found) map.fitBounds(found, { padding: [6, 6], animate: false });
}
function accuracy(metres) {
  const words = $("#r-accuracy");
  if (words) words.textContent = metres ? words.dataset.found.replace("{m}", Math.round(metres)) : words.dataset.set;
}

function start() {
  freshId();
  form.addEventListener("submit", () => { $("#id_device_time").value = new Date().toISOString(); }, true);
  form.addEventListener("draft:renewed", renewed);
  select.addEventListener("change", () => { showMatter(); findSimilar(); });
  document.addEventListener("click", (event) => {
    const hit = event.target.closest?.("[data-choose], [data-class], [data-map-larger]");
    if (!hit) return;
    if (hit.dataset.choose) choose(hit.dataset.choose);
    else if (hit.dataset.class) showClass(hit);
    else {
      const large = place.toggleAttribute("data-large");
      hit.setAttribute("aria-expanded", String(large));
    }
  });
  $("#pk-q")?.addEventListener("input", (event) => searching(event.target.value.trim()));
  document.addEventListener("map:point", (event) => { accuracy(event.detail.accuracy); if (event.detail.accuracy) setTimeout(() => showGrid(event.detail), 400); findPlace(); findSimilar(); $("#id_grid") && ($("#id_grid").value = ""); });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "r-where") nearWords(); });
  if (place) navigator.geolocation ? setTimeout(() => { if (!lat.value) $(".r-grid")?.removeAttribute("hidden"); }, 9000) : $(".r-grid")?.removeAttribute("hidden");
  showMatter();
  if ($(".error-summary")) $("[aria-invalid=true]")?.scrollIntoView({ block: "center" });
  if (lat?.value) findPlace();
  findSimilar();
}
if (form) start();
