/* A form is sent once, and only when its texts fit. From the click until the answer it is held: aria-busy, its submit
   buttons off; freed when the sending failed or the page comes back. One way for plain, htmx and fetch forms: the first
   two by themselves, a script that sends by fetch calls `gezhi.hold(form, submitter)` and `gezhi.free(form)`.
   A browser would cut a long paste at maxlength without a word: here the text stays whole and its field says so. */

const LONGEST = 60000;      // no browser says of every sending that it was stopped
const held = new WeakMap(); // form or button → {buttons, submitter, focus, timer}
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const isSubmit = (each) => each.type === "submit" || each.type === "image";
const posts = (form, submitter) => (submitter?.getAttribute("formmethod") || form.getAttribute("method") || "get").toLowerCase() === "post";

/* ── held and freed ── */
export function hold(form, submitter = null, longest = 0) {
  if (held.has(form)) return;
  const own = form.elements ? [...form.elements].filter(isSubmit) : [form];
  const entry = { buttons: [], submitter, focus: document.activeElement, timer: longest && setTimeout(() => free(form), longest) };
  held.set(form, entry);
  form.setAttribute("aria-busy", "true");
  submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => {      // only now: what is off when the browser reads the form, is not sent, and a button's value is
    if (held.get(form) !== entry) return;
    entry.buttons = own.filter((each) => !each.disabled);
    for (const each of entry.buttons) each.disabled = true;
  });
}
export function free(form) {
  const entry = held.get(form);
  if (!entry) return;
  held.delete(form);
  clearTimeout(entry.timer);
  form.removeAttribute("aria-busy");
  entry.submitter?.removeAttribute("aria-busy");
  for (const each of entry.buttons) each.disabled = false;
  if (entry.buttons.includes(entry.focus) && document.activeElement === document.body) entry.focus.focus();
}
const busy = () => $$("[aria-busy]").filter((each) => held.has(each));
addEventListener("pageshow", () => busy().forEach(free));
globalThis.navigation?.addEventListener("navigateerror", () => busy().filter((each) => held.get(each).timer).forEach(free));  // stopped, or no page came

/* ── plain and htmx ── */
addEventListener("submit", (event) => {
  const form = event.target;
  if (!posts(form, event.submitter) || (!held.has(form) && fits(form))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
addEventListener("submit", (event) => {
  if (!event.defaultPrevented && posts(event.target, event.submitter) && !event.target.target) hold(event.target, event.submitter, LONGEST);
});
document.addEventListener("htmx:beforeSend", (event) => {
  const { elt, requestConfig } = event.detail;
  if (requestConfig.verb !== "get" && elt.matches("form, button")) hold(elt, requestConfig.triggeringEvent?.submitter);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, xhr } = event.detail;
  if (!["HX-Redirect", "HX-Refresh", "HX-Location"].some((name) => xhr?.getResponseHeader(name))) free(elt);
});

/* ── texts and their fields ── */
/* as the server counts: characters, a line's end as two, none of the space around */
function lengthOf(text) {
  let count = 0;
  for (const each of text.trim()) count += each === "\n" ? 2 : 1;
  return count;
}
function over(field) {
  const most = Number(field.dataset.most);
  if (field.value.length * 2 <= most) return 0;
  const length = lengthOf(field.value);
  return length > most ? length : 0;
}
function tell(field, length) {
  let line = field.parentElement.querySelector("[data-too-long]");
  if (!length && !line) return;
  const said = (field.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && id !== line?.id);
  if (length) {
    if (!line) {
      line = document.createElement("p");
      Object.assign(line, { className: "err", id: `${field.id || field.name}-too-long` });
      line.dataset.tooLong = "";
      line.append(window.gezhi.icon("alert"), document.createElement("span"));
      field.after(line);
    }
    line.lastChild.textContent = window.gezhi.words().tooLong.replace("{most}", field.dataset.most).replace("{length}", length);
    said.push(line.id);
  } else line.remove();
  field.toggleAttribute("aria-invalid", false);
  if (length) field.setAttribute("aria-invalid", "true");
  if (said.length) field.setAttribute("aria-describedby", said.join(" ")); else field.removeAttribute("aria-describedby");
}
function fits(form) {
  const wrong = [...form.elements].filter((each) => each.dataset.most && !each.disabled).filter((each) => { const length = over(each); tell(each, length); return length; });
  wrong[0]?.focus();
  return !wrong.length;
}
function start(root) {
  for (const field of $$("textarea[maxlength]", root)) {
    if (!field.form || !posts(field.form)) continue;
    field.dataset.most = field.maxLength;
    field.removeAttribute("maxlength");
  }
}
document.addEventListener("input", (event) => { if (event.target.dataset?.most) tell(event.target, over(event.target)); });
document.addEventListener("reset", (event) => { for (const each of event.target.elements) if (each.dataset.most) tell(each, 0); });
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
Object.assign(window.gezhi, { hold, free });
start(document);
