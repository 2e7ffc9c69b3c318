/* Nothing typed is lost: forms with data-draft="name" keep their text on this device until the server has taken it.
   <form data-draft="report" data-draft-owner="42">; text in localStorage, photos in IndexedDB; passwords, hidden
   fields and files' names are never kept. A draft of another person (owner) is never shown. Restored after an error, a closed tab or
   a lost network; dropped when the form was taken (a redirect to another page, or a successful htmx answer). */

const PREFIX = "gezhi:draft:", SENT = "gezhi:sent";
const keyOf = (form) => `${PREFIX}${form.dataset.draftOwner || "anyone"}:${form.dataset.draft}`;
const fieldsOf = (form) => [...form.elements].filter((each) => each.name && !["hidden", "password", "file", "submit", "button"].includes(each.type) && !each.closest("[data-no-draft]"));

function store(work) {
  return new Promise((resolve) => {
    const opening = indexedDB.open("gezhi", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("photos");
    opening.onerror = () => resolve(null);
    opening.onsuccess = () => {
      const request = work(opening.result.transaction("photos", "readwrite").objectStore("photos"));
      request.onsuccess = () => { resolve(request.result); opening.result.close(); };
      request.onerror = () => { resolve(null); opening.result.close(); };
    };
  });
}
export function drop(key) {
  try { localStorage.removeItem(key); } catch { /* no storage: nothing to drop */ }
  return store((photos) => photos.delete(key));
}

function save(form) {
  const text = {};
  for (const field of fieldsOf(form)) {
    if (field.type === "checkbox" || field.type === "radio") { if (field.checked !== field.defaultChecked) (text[field.name] ||= []).push([field.value, field.checked]); }
    else if (field.value && field.value !== field.defaultValue) text[field.name] = field.value;
  }
  try {
    if (Object.keys(text).length) localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), text }));
    else localStorage.removeItem(keyOf(form));
  } catch { /* storage full or forbidden: the page still works */ }
}

function restore(form) {
  let kept = null;
  try { kept = JSON.parse(localStorage.getItem(keyOf(form))); } catch { return; }
  if (!kept || Date.now() - kept.at > 7 * 86400000) return;
  let restored = false;
  for (const field of fieldsOf(form)) {
    const value = kept.text[field.name];
    if (value === undefined) continue;
    if (Array.isArray(value)) { const mine = value.find(([each]) => each === field.value); if (mine) field.checked = mine[1]; }
    else if (!field.value || field.tagName === "SELECT") {
      if (field.value !== value) { field.value = value; restored = true; field.dispatchEvent(new Event("change", { bubbles: true })); }
    }
  }
  if (restored) form.querySelector("[data-draft-note]")?.removeAttribute("hidden");
}

function start(form) {
  if (form.dataset.drafting) return;
  form.dataset.drafting = "1";
  const key = keyOf(form);
  restore(form);
  let timer = 0;
  const later = () => { clearTimeout(timer); timer = setTimeout(() => save(form), 300); };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("photos:change", (event) => {
    store((photos) => photos.put(event.detail.files, `${key}:${event.target.dataset.name}`));
  });
  form.addEventListener("photos:ready", async (event) => {
    if (event.target.querySelector("figure[data-photo-id]")) return;   // the server shows them again itself
    const files = await store((photos) => photos.get(`${key}:${event.target.dataset.name}`));
    if (files?.length) event.target.photos.restore(files);
  });
  form.addEventListener("submit", (event) => {
    save(form);
    if (!navigator.onLine) {
      event.preventDefault();
      event.stopImmediatePropagation();
      window.gezhi?.toast({ text: window.gezhi.words().offline, tone: "warning" });
      return;
    }
    sessionStorage.setItem(SENT, JSON.stringify({ key, names: [...form.querySelectorAll("[data-photos]")].map((each) => each.dataset.name) }));
  }, true);
  form.addEventListener("htmx:afterRequest", (event) => { if (event.detail.elt === form && event.detail.successful) clear(); });
  form.querySelector("[data-draft-drop]")?.addEventListener("click", () => { clearTimeout(timer); drop(key); form.reset(); form.querySelector("[data-draft-note]")?.setAttribute("hidden", ""); });
}
function clear() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) || "null");
  sessionStorage.removeItem(SENT);
  if (!sent) return;
  drop(sent.key);
  sent.names.forEach((name) => store((photos) => photos.delete(`${sent.key}:${name}`)));
}

/* a page that follows a sending, shows no error and does not ask for the same form's errors again: it was taken */
const refused = document.querySelector("main.solo, .conflict, .error-summary, [aria-invalid=true]");
if (refused) sessionStorage.removeItem(SENT); else clear();

const all = (root) => [...(root.matches?.("form[data-draft]") ? [root] : []), ...root.querySelectorAll("form[data-draft]")];
all(document).forEach(start);
document.addEventListener("htmx:load", (event) => all(event.detail.elt).forEach(start));

/* offline is a state, not an error */
const banner = document.querySelector("[data-offline-banner]");
const online = () => banner?.toggleAttribute("hidden", navigator.onLine);
addEventListener("online", online);
addEventListener("offline", online);
online();
