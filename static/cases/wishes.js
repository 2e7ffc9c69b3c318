/* The wish wall: actions open as a sheet, and "nearest to me" asks where the reader is. Without it: plain pages. */
const $ = (selector, root = document) => root.querySelector(selector);
const gezhi = () => window.gezhi;

document.addEventListener("click", async (event) => {
  const cancel = event.target.closest?.("[data-close-sheet]");
  if (cancel) {
    const sheet = cancel.closest("[popover]");
    if (sheet) sheet.hidePopover(); else location.assign(cancel.dataset.backLink);
    return;
  }
  const link = event.target.closest?.("a[data-sheet]"), sheet = link && document.getElementById(link.dataset.sheet);
  if (!sheet || event.ctrlKey || event.metaKey || !navigator.onLine) return;
  event.preventDefault();
  const body = $(`#${link.dataset.sheet}-body`), before = body.firstElementChild;
  await htmx.ajax("GET", link.href, { target: body, swap: "innerHTML" });
  if (body.firstElementChild === before || !$("form", body)) { location.assign(link.href); return; } // refused: its own page says why
  sheet.showPopover();
});
document.addEventListener("wish:acted", (event) => {
  const next = event.detail.next;
  gezhi().leave(() => (next && new URL(next, location.href).href !== location.href ? location.assign(next) : location.reload()));
});

/* rounded to about a hundred metres: enough to sort by, too little to tell a door */
const rounded = (value) => value.toFixed(3);
document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-wanted]");
  if (!form || form.elements.sort.value !== "near" || form.dataset.asked || !navigator.geolocation) return;
  event.preventDefault();
  const go = () => { form.dataset.asked = "1"; form.requestSubmit(); };
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    for (const [name, value] of [["lng", coords.longitude], ["lat", coords.latitude]]) { const field = form.elements[name]; field.disabled = false; field.value = rounded(value); }
    go();
  }, go, { timeout: 8000, maximumAge: 300000 });
});
