/* The outbox: what is written without network stays on this phone and is sent by itself, once.
   form[data-outbox][data-outbox-owner]: a form whose sending the server takes twice without harm (a report by its
   client_id; a check that was made already is refused). Kept in IndexedDB with its photos as files; sent as the form
   would send it, with a fresh token, when the network is back, a page opens, or on "Send now". */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const STATE_URL = "/outbox/state/", KEEP_SENT = 24 * 3600 * 1000;

function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("gezhi-outbox", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("items", { keyPath: "id" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}
async function store(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const request = work(database.transaction("items", mode).objectStore("items"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally { database.close(); }
}
export const all = async () => (await store("readonly", (items) => items.getAll())).sort((a, b) => a.at - b.at);
const put = (item) => store("readwrite", (items) => items.put(item));
const remove = (id) => store("readwrite", (items) => items.delete(id));

function newId() {
  return crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* ── taking a form in ── */
async function keep(form, submitter) {
  const data = submitter?.name ? new FormData(form, submitter) : new FormData(form);
  const fields = [...data.entries()].filter(([name, value]) => name !== "csrfmiddlewaretoken" && !(value instanceof File && !value.name));
  const name = $("[data-pick-name]", form)?.textContent || "";
  const item = { id: data.get("client_id") || newId(), at: Date.now(), owner: form.dataset.outboxOwner, url: new URL(submitter?.getAttribute("formaction") || form.action, location.href).pathname,
    page: location.pathname, title: [form.dataset.outboxTitle, name].filter(Boolean).join(" · "), fields, state: "waiting", why: [] };
  await put(item);
  navigator.storage?.persist?.();
  form.dispatchEvent(new CustomEvent("outbox:kept", { bubbles: true }));
  $("[data-draft-drop]", form)?.click();
  for (const button of $$(".upload .del", form)) button.click();
  const field = $("[name=client_id]", form);
  if (field) field.value = newId();
  $("[data-matter]", form)?.dispatchEvent(new Event("change", { bubbles: true }));
  form.closest("[popover]")?.hidePopover();
  window.gezhi?.toast({ text: form.dataset.outboxTold, tone: "info" });
  count();
}
/* a signal that breaks in the middle: the form is sent in the background; what the server refuses is sent once more
   the plain way, so that its page says why */
async function attempt(form, submitter) {
  let answer;
  window.gezhi.hold(form, submitter);
  try {
    answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin", redirect: "manual", headers: { Accept: "application/json" } });
  } catch { window.gezhi.free(form); await keep(form, submitter); return; }
  if (answer.status !== 201) { window.gezhi.free(form); form.dataset.outboxPlain = "1"; form.requestSubmit(submitter); return; }
  const { url } = await answer.json();
  window.gezhi.taken(form);
  location.assign(url);
}
addEventListener("submit", (event) => {
  const form = event.target, tries = navigator.onLine && form.dataset?.outboxTry !== undefined && !event.submitter?.hasAttribute("formaction");
  if (!form.matches?.("form[data-outbox]") || (navigator.onLine && !tries)) return;
  if (form.dataset.outboxPlain) { delete form.dataset.outboxPlain; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  const stamp = $("[name=device_time]", form);
  if (stamp) stamp.value = new Date().toISOString();
  if (tries) { attempt(form, event.submitter); return; }
  if ($("[data-matter]", form) && !$("[data-matter]", form).value) { $("#id_matter").setAttribute("aria-invalid", "true"); $("#id_matter").click(); return; }
  const keeping = keep(form, event.submitter);
  window.gezhi.hold(form, event.submitter);
  keeping.catch(() => window.gezhi.toast({ text: window.gezhi.words().offline, tone: "error" })).finally(() => window.gezhi.free(form));
}, true);

/* ── sending ── */
let sending = false;
export async function sendAll() {
  if (sending || !navigator.onLine) return;
  const waiting = (await all()).filter((each) => each.state === "waiting");
  if (!waiting.length) return;
  sending = true;
  try {
    const run = async () => {
      const answer = await fetch(STATE_URL, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (!answer.ok) return;
      const { owner, csrf } = await answer.json();
      for (const item of waiting) if (item.owner === owner && !(await send(item, csrf))) break;
    };
    if (navigator.locks) await navigator.locks.request("gezhi-outbox", { ifAvailable: true }, (lock) => lock && run());
    else await run();
  } catch { /* still no network: tried again later */ } finally { sending = false; show(); }
}
async function send(item, csrf) {
  const current = await store("readonly", (items) => items.get(item.id));
  if (current?.state !== "waiting") return true;      // another page was faster
  const body = new FormData();
  for (const [name, value] of item.fields) value instanceof File ? body.append(name, value, value.name) : body.append(name, value);
  mark(item.id, "sending");
  const answer = await fetch(item.url, { method: "POST", body, credentials: "same-origin", redirect: "manual", headers: { "X-CSRFToken": csrf, Accept: "application/json" } });
  if (answer.type === "opaqueredirect" || answer.status >= 500 || answer.status === 429 || answer.status === 401) return false;
  let told = {};
  try { told = await answer.json(); } catch { /* a page: its status says enough */ }
  if (answer.ok) await put({ ...item, fields: [], state: "sent", sentAt: Date.now(), number: told.number, link: told.url });
  else await put({ ...item, state: "failed", why: told.errors || [`${answer.status}`] });
  return true;
}

/* ── showing ── */
async function count() {
  const waiting = (await all()).filter((each) => each.state !== "sent").length;
  for (const link of $$("[data-outbox-link]")) { link.hidden = !waiting; for (const slot of $$("[data-outbox-waiting]", link)) slot.textContent = waiting; }
  const now = $("[data-outbox-send]");
  if (now) now.hidden = !waiting;
}
function mark(id, state) {
  const badge = $(`[data-item="${CSS.escape(id)}"] .badge`);
  if (badge) badge.textContent = $("[data-outbox-list]").dataset[state];
}
function badge(words, state) {
  const span = document.createElement("span");
  span.className = "badge";
  span.dataset.tone = { waiting: "yellow", sent: "green", failed: "red" }[state];
  span.textContent = words;
  return span;
}
function row(item, words) {
  const line = document.createElement("li"), text = document.createElement("div"), title = document.createElement("b"), when = document.createElement("p");
  line.dataset.item = item.id;
  const photos = item.fields.filter(([name, value]) => value instanceof File || name === "photos");
  const first = photos.find(([, value]) => value instanceof File)?.[1];
  const picture = document.createElement(first ? "img" : "span");
  if (first) { picture.src = URL.createObjectURL(first); picture.alt = ""; } else { picture.className = "ph"; picture.append(window.gezhi.icon("doc")); }
  title.textContent = item.title;
  if (item.link) { const link = document.createElement("a"); link.href = item.link; link.textContent = item.number || item.title; title.replaceChildren(link); }
  when.className = "tiny muted";
  when.textContent = [new Date(item.at).toLocaleString(document.documentElement.lang, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }), photos.length ? words.photos.replace("{n}", photos.length) : ""].filter(Boolean).join(" · ");
  text.append(title, when);
  line.append(picture, text, badge(words[item.state], item.state));
  if (item.state === "failed") line.append(failure(item, words));
  else if (item.owner !== words.owner && item.state === "waiting") { const why = document.createElement("p"); why.className = "why"; why.textContent = words.foreign; line.append(why); }
  return line;
}
function failure(item, words) {
  const why = document.createElement("div"), acts = document.createElement("p"), text = document.createElement("p");
  why.className = "why";
  text.textContent = item.why.join(" ");
  acts.className = "acts";
  for (const [label, run] of [[words.mend, () => mend(item)], [words.drop, () => drop(item, words)]]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn btn-sm", textContent: label });
    button.addEventListener("click", run);
    acts.append(button);
  }
  why.append(text, acts);
  return why;
}
async function drop(item, words) {
  if (await window.gezhi.ask({ text: words.dropConfirm, go: words.drop })) { await remove(item.id); show(); }
}
/* a refused one goes back into its page's form, with its photos */
function mend(item) {
  sessionStorage.setItem("gezhi:mend", item.id);
  location.assign(item.url.endsWith("/verify/") ? item.url : "/report/");
}
async function refill() {
  const id = sessionStorage.getItem("gezhi:mend"), form = $("form[data-outbox]");
  if (!id || !form) return;
  sessionStorage.removeItem("gezhi:mend");
  const item = await store("readonly", (items) => items.get(id));
  if (!item) return;
  for (const [name, value] of item.fields) {
    const field = form.elements[name];
    if (typeof value !== "string" || !field || field.type === "file" || name === "client_id") continue;
    if (field.type === "checkbox") field.checked = true; else if ("value" in field) field.value = value;
    field.dispatchEvent?.(new Event("change", { bubbles: true }));
  }
  for (const box of $$("[data-photos]", form)) {
    const files = item.fields.filter(([name, value]) => name === box.dataset.name && value instanceof File).map(([, file]) => ({ file, claims: {} }));
    if (files.length) box.photos?.restore(files);
  }
  await remove(id);
  count();
}
async function show() {
  count();
  const list = $("[data-outbox-list]");
  if (!list) return;
  const items = await all();
  for (const old of items.filter((each) => each.state === "sent" && Date.now() - each.sentAt > KEEP_SENT)) await remove(old.id);
  list.replaceChildren(...items.map((item) => row(item, list.dataset)));
  const empty = $("[data-outbox-empty]");
  if (empty) empty.hidden = items.length > 0;
}
$("[data-outbox-send]")?.addEventListener("click", sendAll);
addEventListener("online", sendAll);
document.addEventListener("visibilitychange", () => { if (!document.hidden) sendAll(); });
navigator.serviceWorker?.register("/sw.js").then(() => navigator.serviceWorker.ready).then(({ active }) => active.postMessage("keep-pages")).catch(() => { /* no worker: the page needs a network to open */ });
if ("indexedDB" in window) show().then(refill).then(sendAll).catch(() => { /* storage forbidden: the form is sent as usual */ });
