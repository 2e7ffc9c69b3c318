/* Nothing typed is lost: forms with data-draft="name" keep their text on this device until the server has taken it.
   <form data-draft="report" data-draft-owner="42">; text in localStorage, photos in IndexedDB; passwords, hidden
   fields and files' names are never kept. A draft of another person (owner) is never shown. Restored after an error, a closed tab or
   a lost network; dropped when the form was taken (a redirect to another page, or a successful htmx answer). Going back
   to a form that was taken finds it empty: it fires "draft:renewed". A script that sends a form by itself and knows that
   it was taken calls `gezhi.taken(form)`. */

const PREFIX = "gezhi:draft:", SENT = "gezhi:sent", TAKEN = "gezhi:taken";
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
  const now = () => { clearTimeout(timer); timer = 0; save(form); };
  const later = () => { clearTimeout(timer); timer = setTimeout(now, 300); };
  addEventListener("pagehide", () => { if (timer && form.isConnected) now(); });
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
    note(form);
  }, true);
  form.querySelector("[data-draft-drop]")?.addEventListener("click", () => empty(form));
  form.addEventListener("draft:quiet", () => { clearTimeout(timer); timer = 0; });
}
function empty(form) {
  form.dispatchEvent(new CustomEvent("draft:quiet"));
  drop(keyOf(form));
  form.reset();
  form.querySelector("[data-draft-note]")?.setAttribute("hidden", "");
}

/* ── sent, and then taken or not ── */
/* The sending has a name, which stays with this entry of the history: the report's own id, where there is one, so that
   the pages of a first try and of a second are known as one. */
function note(form) {
  const name = form.elements.client_id?.value || `${Date.now()}-${Math.random()}`;
  history.replaceState({ ...history.state, sent: name }, "");
  sessionStorage.setItem(SENT, JSON.stringify({ name, key: keyOf(form), page: location.href.split("#")[0], names: [...form.querySelectorAll("[data-photos]")].map((each) => each.dataset.name) }));
}
const takenOnes = () => JSON.parse(sessionStorage.getItem(TAKEN) || "[]");
function clear() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) || "null");
  sessionStorage.removeItem(SENT);
  if (!sent) return;
  if (sent.name) sessionStorage.setItem(TAKEN, JSON.stringify([...takenOnes(), sent.name].slice(-50)));
  drop(sent.key);
  sent.names.forEach((name) => store((photos) => photos.delete(`${sent.key}:${name}`)));
}
function taken(form) {
  form.dispatchEvent(new CustomEvent("draft:quiet"));
  note(form);
  const sent = sessionStorage.getItem(SENT);
  clear();
  sessionStorage.setItem(SENT, sent);   // and once more on the next page, should this one end before the store is done
}
/* the server wrote words and errors into this page: they are not what the form begins with */
function forget(form) {
  for (const field of fieldsOf(form)) {
    if (field.tagName === "SELECT") for (const option of field.options) option.defaultSelected = false;
    else if (field.type === "checkbox" || field.type === "radio") field.defaultChecked = false;
    else field.defaultValue = "";
  }
  form.querySelectorAll(".error-summary, .err").forEach((each) => each.remove());
  form.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
}
function renew(form) {
  history.replaceState({ ...history.state, sent: undefined }, "");
  if (form.querySelector(".error-summary")) forget(form);
  for (const button of form.querySelectorAll(".upload .del")) button.click();
  empty(form);
  form.dispatchEvent(new CustomEvent("draft:renewed", { bubbles: true }));
}
addEventListener("pageshow", (event) => {
  const sent = history.state?.sent;
  if (sent && takenOnes().includes(sent)) [...document.querySelectorAll("form[data-draft]")].forEach(renew);
  if (event.persisted) sessionStorage.removeItem(SENT);   // what is still noted was not taken: no later page may drop it
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt.matches?.("form[data-draft]")) return;
  if (event.detail.successful) clear(); else sessionStorage.removeItem(SENT);
});

/* the page that comes from the sent one, is not that one again and shows no error: it was taken. Any other page that
   comes next, by the address or by a code, says nothing: what was typed stays */
const sent = JSON.parse(sessionStorage.getItem(SENT) || "null");
const refused = document.querySelector("main.solo, body.login, .conflict, .error-summary, [aria-invalid=true]");
const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
if (sent && document.referrer === sent.page && !refused && !isBack) clear(); else sessionStorage.removeItem(SENT);
globalThis.navigation?.addEventListener("navigateerror", () => sessionStorage.removeItem(SENT));

const all = (root) => [...(root.matches?.("form[data-draft]") ? [root] : []), ...root.querySelectorAll("form[data-draft]")];
all(document).forEach(start);
document.addEventListener("htmx:load", (event) => all(event.detail.elt).forEach(start));
if (window.gezhi) window.gezhi.taken = taken;

/* offline is a state, not an error */
const banner = document.querySelector("[data-offline-banner]");
const online = () => banner?.toggleAttribute("hidden", navigator.onLine);
addEventListener("online", online);
addEventListener("offline", online);
online();
