/* What every page does: htmx and its CSRF header, toasts, dialogs, menus, shortcuts. Other modules reach it as
   `window.gezhi`; they are loaded after it. No eval, no inline style attribute: runs under CSP 'self'. */

import { copyText } from "./copy.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const words = () => $("#page-words")?.dataset ?? {};

/* ── symbols ── */
const sprite = new URL("../icons.svg", import.meta.url).pathname;
export function icon(name) {
  const used = $("svg.i use")?.getAttribute("href")?.split("#")[0];   // the hashed address that the page itself uses
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${used || sprite}#${name}`);
  svg.append(use);
  return svg;
}

/* ── toasts: role=status, they leave by themselves unless something went wrong ── */
export function toast({ text, tone = "success", action = "", href = "", onAction = null }) {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.tone = tone;
  box.dataset.toast = "";
  const span = document.createElement("span");
  span.textContent = text;
  box.append(icon(tone === "error" || tone === "warning" ? "alert" : "check"), span);
  if (action) {
    const door = document.createElement(href ? "a" : "button");
    door.className = "push";
    door.textContent = action;
    if (href) door.href = href;
    else {
      door.type = "button";
      door.addEventListener("click", () => { box.remove(); onAction?.(); });
    }
    box.append(door);
  }
  const close = document.createElement("button");
  close.type = "button";
  if (!action) close.className = "push";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", words().close || "");
  close.append(icon("x"));
  box.append(close);
  $("#toasts")?.append(box);
  expire(box);
  return box;
}
function expire(box) {
  if (box.dataset.tone === "error" || box.dataset.tone === "warning") return;
  let rest = 6000;
  const tick = () => { if (!box.matches(":hover, :focus-within")) rest -= 500; if (rest <= 0) box.remove(); else setTimeout(tick, 500); };
  setTimeout(tick, 500);
}

/* ── dialogs: native <dialog> traps focus and gives it back; sheets are popovers, trapped here ── */
export function openDialog(dialog) {
  const back = document.activeElement;
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (back?.isConnected) back.focus();
    // what opened it is gone; the browser may not have taken the focus from the closed dialog yet
    if (document.activeElement === document.body || dialog.contains(document.activeElement)) $("#main")?.focus({ preventScroll: true });
  }, { once: true });
}
let trapped = null;
function trap(event) {
  if (event.key !== "Tab" || !trapped) return;
  const stops = $$("a[href], button:not([disabled]), input:not([type=hidden]):not([disabled]), select, textarea, [tabindex='0']", trapped)
    .filter((each) => each.offsetParent !== null);
  if (!stops.length) return;
  const first = stops[0], last = stops[stops.length - 1];
  if (event.shiftKey && (document.activeElement === first || !trapped.contains(document.activeElement))) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && (document.activeElement === last || !trapped.contains(document.activeElement))) { event.preventDefault(); first.focus(); }
}
document.addEventListener("keydown", trap);

/* ── menus: placed under the button that opened them ── */
function place(menu) {
  const button = $(`[popovertarget="${menu.id}"]`);
  if (!button) return;
  const box = button.getBoundingClientRect();
  const width = menu.offsetWidth, height = menu.offsetHeight;
  const left = Math.max(8, Math.min(box.right - width > 8 && box.left > innerWidth / 2 ? box.right - width : box.left, innerWidth - width - 8));
  const below = box.bottom + 4;
  menu.style.left = `${left}px`;
  menu.style.top = `${below + height > innerHeight - 8 ? Math.max(8, box.top - height - 4) : below}px`;
}
document.addEventListener("toggle", (event) => {
  const panel = event.target;
  if (!(panel instanceof HTMLElement) || !panel.hasAttribute("popover")) return;
  const open = event.newState === "open";
  if (panel.classList.contains("menu") && open) {
    place(panel);
    $("a, button:not([disabled]), input", panel)?.focus({ preventScroll: true });
  }
  if (panel.classList.contains("sheet")) {
    trapped = open ? panel : null;
    document.documentElement.classList.toggle("sheet-open", open);
    if (open) ($("[autofocus], input:not([type=hidden]):not([type=file]), textarea, select, button", panel))?.focus({ preventScroll: true });
  }
}, true);
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const stops = $$("a, button, input", menu);
  const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  stops[(next + stops.length) % stops.length]?.focus();
  event.preventDefault();
});

/* ── what cannot be undone asks, and names the consequence ── */
const confirmed = new WeakSet();
export function ask({ title = "", text, go = "" }) {
  const dialog = $("#confirm-dialog");
  if (!dialog) return Promise.resolve(true);
  if (title) $("#confirm-title").textContent = title;
  $("#confirm-text").textContent = text;
  const button = $("[data-confirm-yes]", dialog);
  button.textContent = go || button.dataset.default;
  return new Promise((resolve) => {
    let answer = false;
    button.onclick = () => { answer = true; dialog.close(); };
    dialog.addEventListener("close", () => resolve(answer), { once: true });
    openDialog(dialog);
  });
}
document.addEventListener("click", async (event) => {
  const asking = event.target.closest?.("[data-confirm]");
  if (!asking || confirmed.has(asking)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { confirm: text, confirmTitle: title, confirmGo: go } = asking.dataset;
  if (await ask({ text, title, go: go || asking.textContent.trim() })) {
    confirmed.add(asking);
    asking.click();
    confirmed.delete(asking);
  }
}, true);
document.addEventListener("htmx:confirm", async (event) => {
  const text = event.detail.question;
  if (!text) return;
  event.preventDefault();
  if (await ask({ text, go: event.target.textContent?.trim().slice(0, 20) })) event.detail.issueRequest(true);
});

/* ── shortcuts: off while typing; a key does nothing where its element is absent ── */
const keys = new Map();      // "J" | "Shift X" | "G 1" | "Ctrl Enter" → {label, run}
let pending = "", pendingUntil = 0;
export function onKey(combo, label, run) { keys.set(combo.toUpperCase(), { combo, label, run }); }
function typing(target) { return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]"); }
function comboOf(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shift = event.shiftKey && /^[A-Z]$|^Enter$/.test(key) ? "Shift " : "";
  return `${event.ctrlKey || event.metaKey ? "Ctrl " : ""}${shift}${key}`.toUpperCase();
}
function shown(element) {
  const inside = element.closest(".menu[popover]")?.parentElement ?? element;  // a closed menu still offers its keys
  return inside.checkVisibility ? inside.checkVisibility() : inside.offsetParent !== null;
}
function press(combo) {
  const element = $$(`[data-key]`).find((each) => each.dataset.key.toUpperCase() === combo && shown(each) && !each.disabled);
  if (element) {
    if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) { element.focus(); element.select?.(); } else element.click();
    return true;
  }
  const known = keys.get(combo);
  return known ? known.run() !== false : false;
}
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.isComposing || event.defaultPrevented) return;
  const combo = comboOf(event);
  const modal = $("dialog[open]");
  if (typing(event.target)) {
    if (combo === "CTRL ENTER" && press(combo)) event.preventDefault();
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (modal) return;
  const sequence = pending && Date.now() < pendingUntil ? `${pending} ${combo}` : combo;
  pending = "";
  if (sequence !== "?" && press(sequence)) { event.preventDefault(); return; }
  if (sequence === "?") { showKeys(); event.preventDefault(); return; }
  if ([...keys.keys()].some((each) => each.startsWith(`${combo} `)) || $(`[data-key^="${CSS.escape(combo)} " i]`)) {
    pending = combo;
    pendingUntil = Date.now() + 1500;
  }
});
function showKeys() {
  const list = $("[data-keys-list]"), dialog = $("#keys-help");
  if (!list || dialog.open) return;
  const rows = new Map([["/", list.dataset.search], ["?", list.dataset.thisList], ["Esc", list.dataset.escape]]);
  for (const element of $$("[data-key]")) {
    if (!shown(element) || element.dataset.key === "/") continue;
    rows.set(element.dataset.key, element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim());
  }
  for (const { combo, label } of keys.values()) if (label) rows.set(combo === "Escape" ? "Esc" : combo, label);
  list.replaceChildren(...[...rows].flatMap(([combo, label]) => {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    for (const part of combo.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.className = "kbd";
      kbd.textContent = part;
      dt.append(kbd, " ");
    }
    dd.textContent = label;
    return [dt, dd];
  }));
  openDialog(dialog);
}

/* ── small behaviours named by data-attributes ── */
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  let hit;
  if ((hit = at("[data-dismiss]"))) hit.closest("[data-toast]")?.remove();
  else if ((hit = at("[data-close-dialog]"))) hit.closest("dialog")?.close();
  else if ((hit = at("[data-open-dialog]"))) { const dialog = document.getElementById(hit.dataset.openDialog); if (dialog) openDialog(dialog); }
  else if (at("[data-open-keys]")) { at("[popover]")?.hidePopover(); showKeys(); }
  else if ((hit = at("[data-reveal]"))) {
    const input = document.getElementById(hit.dataset.reveal);
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    hit.setAttribute("aria-pressed", String(hidden));
    hit.textContent = hidden ? hit.dataset.hide : hit.dataset.show;
  } else if ((hit = at("[data-insert]"))) {
    const into = document.getElementById(hit.dataset.into);
    if (into) {
      into.value += `${into.value && !/[\s，。；,.;]$/.test(into.value) ? "，" : ""}${hit.dataset.insert}`;
      into.dispatchEvent(new Event("input", { bubbles: true }));
      into.focus();
    }
  } else if ((hit = at("[data-copy]"))) {
    const { copy, copied } = hit.dataset;
    copyText(copy).then((done) => toast({ text: (done && copied) || copy }));   // the text itself, to write down
  } else if ((hit = at("[data-reload]"))) location.reload();
  else if (at("[data-print]")) print();
  else if ((hit = at("[data-back]"))) history.back();
  else if (at("tr[data-href]") && !at("a, button, input, label, select, textarea, summary")) {
    const address = at("tr[data-href]").dataset.href;
    if (event.ctrlKey || event.metaKey) window.open(address, "_blank", "noopener"); else location.assign(address);
  }
});
document.addEventListener("change", (event) => { if (event.target.closest?.("[data-autosubmit]")) event.target.form?.requestSubmit(); });
document.addEventListener("input", (event) => {
  const counter = event.target.dataset?.counter && document.getElementById(event.target.dataset.counter);
  if (counter) counter.textContent = `${event.target.value.length} / ${event.target.dataset.most || event.target.maxLength}`;
});

/* ── htmx ── */
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = $("meta[name=csrf-token]")?.content ?? "";
});
document.addEventListener("htmx:sendError", () => toast({ text: words().offline, tone: "warning" }));
document.addEventListener("htmx:timeout", () => toast({ text: words().offline, tone: "warning" }));
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status >= 500) toast({ text: words().failed, tone: "error" });
});
let told = null;
document.addEventListener("toast", (event) => {
  const { text, tone, action, href } = event.detail ?? {};   // without the element that htmx adds
  if (text) toast(told = { text, tone, action, href });
});
/* a page that leaves or renews itself right after a toast takes it along */
const TOLD = "gezhi:told";
function leave(go) {
  try { if (told) sessionStorage.setItem(TOLD, JSON.stringify(told)); } catch { /* then nobody is told */ }
  go();
}
function tellAgain() {
  let kept = null;
  try { kept = sessionStorage.getItem(TOLD); sessionStorage.removeItem(TOLD); } catch { /* no storage, nothing to tell */ }
  if (kept) toast(JSON.parse(kept));
}
function settle(root) {
  $$("[data-toast]", root).forEach(expire);
  const focus = root.matches?.("[data-focus]") ? root : $("[data-focus]", root);
  focus?.focus();
}
document.addEventListener("htmx:load", (event) => settle(event.detail.elt));

window.gezhi = { icon, toast, openDialog, ask, onKey, settle, words, leave };
settle(document);
tellAgain();
document.documentElement.dataset.ready = "1";
