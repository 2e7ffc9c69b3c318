/* Lists of orders and the order itself: the pane beside a list, keys, ticks, bulk actions, action dialogs.
   Without this script every action is a page of its own and every row a link. */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const gezhi = () => window.gezhi;
const rows = () => $$("#orders tbody tr");
const board = () => $("#board");
let current = new URLSearchParams(location.search).get("case") || "";
let upNext = "";

/* ── the action's form arrives in the dialog; 204 closes it ── */
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target.closest?.("dialog");
  if (dialog && !dialog.open) gezhi().openDialog(dialog);
});
document.addEventListener("case:acted", (event) => {
  $("#act-dialog")?.close();
  if (board()) refresh(event.detail.number);
  else if ($("body.order")) gezhi().leave(() => location.reload());
  else if ($(".act-page")) gezhi().leave(() => location.assign($(".act-page [data-back-link]")?.dataset.backLink || "/"));
});
document.addEventListener("click", (event) => {
  const cancel = event.target.closest?.("[data-back-link]");
  if (cancel && !cancel.closest("dialog")) location.assign(cancel.dataset.backLink);
});

/* ── the list keeps its place: after an action the next row is opened, never the top ── */
function nextOf(number) {
  const all = rows(), at = all.findIndex((row) => row.dataset.number === number);
  return (all[at + 1] || all[at - 1])?.dataset.number ?? "";
}
async function refresh(number) {
  upNext = number ? nextOf(number) : "";
  const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) { open(current); return; } // the list did not come: the pane must not go on offering what is done
  const text = await answer.text();
  const scroll = $(".d-scroll")?.scrollTop ?? 0, ticked = ticks().map((box) => box.value); // also what was ticked meanwhile
  replace(text);
  $(".d-scroll").scrollTop = scroll;
  ticks(true).forEach((box) => { box.checked = ticked.includes(box.value) && box.value !== number; });
  ticked.length && showTicks();
  if (rows().some((row) => row.dataset.number === number) && number === current) open(number);
  else if (upNext) open(upNext);
  else closePane();
}
function replace(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["views", "main"]) {
    const fresh = page.getElementById(id), old = document.getElementById(id);
    if (!fresh || !old) continue;
    const held = old.contains(document.activeElement);
    old.replaceWith(document.adoptNode(fresh));
    htmx.process(fresh);
    if (held) fresh.focus({ preventScroll: true });
  }
}

/* ── the pane ── */
function mark(number) {
  for (const row of rows()) row.toggleAttribute("aria-selected", false);
  const row = rows().find((each) => each.dataset.number === number);
  if (row) { row.setAttribute("aria-selected", "true"); row.scrollIntoView({ block: "nearest" }); }
}
function open(number) {
  const pane = $("#pane");
  if (!pane || !number) return false;
  if (matchMedia("(max-width: 800px)").matches) { location.assign(rows().find((row) => row.dataset.number === number).dataset.href); return true; }
  current = number;
  mark(number);
  pane.removeAttribute("data-empty");
  htmx.ajax("GET", board().dataset.panelUrl.replace("NUMBER", number), { target: "#pane", swap: "innerHTML" });
  const address = new URL(location.href);
  address.searchParams.set("case", number);
  history.replaceState(null, "", address);
  return true;
}
function closePane() {
  const pane = $("#pane");
  if (!pane) return;
  current = "";
  mark("");
  pane.setAttribute("data-empty", "");
  pane.replaceChildren($("#pane-idle").content.cloneNode(true));
  const address = new URL(location.href);
  address.searchParams.delete("case");
  history.replaceState(null, "", address);
}
function step(by) {
  const all = rows();
  if (!all.length) return false;
  const at = all.findIndex((row) => row.dataset.number === current);
  return open(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))].dataset.number);
}
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-close-pane]")) { closePane(); return; }
  if (!board()) return;
  const row = event.target.closest?.("#orders tbody tr");
  if (!row || event.target.closest("input, label, button")) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  event.stopPropagation();
  open(row.dataset.number);
}, true);

/* ── live: new orders are announced, the list moves only when asked ── */
document.addEventListener("gezhi:news", (event) => {
  const views = $("#views"), latest = event.detail.latest;
  if (!views || typeof latest !== "number" || latest <= Number(views.dataset.latest)) return;
  views.dataset.latest = latest;
  gezhi().toast({ text: views.dataset.newLabel, tone: "info", href: location.href, action: views.dataset.showLabel });
});

/* ── ticks and what may be done with all of them ── */
function ticks(all = false) { return $$("#orders tbody input[name=number]").filter((box) => all || box.checked); }
let lastTick = null;
function showTicks() {
  const bar = $("#bulkbar"), ticked = ticks();
  if (!bar) return;
  bar.hidden = !ticked.length;
  $("[data-ticked]", bar).textContent = bar.dataset.countWords.replace("{n}", ticked.length);
  const each = ticked.map((box) => box.closest("tr").dataset.actions.split(" "));
  for (const button of $$("[data-bulk]", bar)) button.hidden = !each.every((actions) => actions.includes(button.dataset.bulk));
  $("[data-bulk-none]", bar).hidden = !ticked.length || $$("[data-bulk]", bar).some((button) => !button.hidden);
  const all = $("[data-tick-all]");
  if (all) { all.checked = ticked.length > 0 && ticked.length === ticks(true).length; all.indeterminate = ticked.length > 0 && !all.checked; }
}
function untick() { ticks().forEach((box) => { box.checked = false; }); showTicks(); }
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-tick-all]")) ticks(true).forEach((box) => { box.checked = event.target.checked; });
  if (event.target.matches?.("[data-tick-all], #orders input[name=number]")) showTicks();
});
/* a few at a time, so that progress shows and the work can be stopped between them */
const AT_ONCE = 10;
async function bulk(button) {
  const numbers = ticks().map((box) => box.value), note = button.dataset.asksReason ? await askReason() : "";
  if (!numbers.length || (button.dataset.asksReason && !note)) return;
  const url = button.dataset.bulkUrl, parts = [], work = working(button.textContent.trim(), numbers.length);
  let refusal = "";
  while (numbers.length && !work.isStopped() && !refusal) {
    const some = numbers.slice(0, AT_ONCE), answer = await sendSome(url, some, note);
    if (!answer?.ok) refusal = answer?.text || $("#page-words").dataset[answer ? "failed" : "offline"];
    else {
      parts.push(answer.text);
      numbers.splice(0, some.length);
      ticks().forEach((box) => { box.checked = box.checked && !some.includes(box.value); });
      work.show(numbers.length);
      showTicks();
    }
  }
  work.end();
  if (parts.length) $("#bulk-body").replaceChildren(...verdicts(parts, numbers.length));
  else if (refusal.startsWith("<")) $("#bulk-body").innerHTML = refusal;
  else $("#bulk-dialog").close();
  if (refusal && (parts.length || !refusal.startsWith("<"))) gezhi().toast({ text: refusal.startsWith("<") ? $("#page-words").dataset.failed : refusal, tone: "warning" });
  $("#bulk-body [data-close-dialog]")?.focus();
  await refresh(current);
}
async function sendSome(url, numbers, note) {
  const data = new FormData();
  numbers.forEach((number) => data.append("number", number));
  if (note) data.append("note", note);
  try {
    const answer = await fetch(url, { method: "POST", body: data, headers: { "X-CSRFToken": $("meta[name=csrf-token]").content, "HX-Request": "true" } });
    return { ok: answer.ok, text: answer.status < 500 ? await answer.text() : "" };
  } catch { return null; }
}
/* the dialog while it works; Escape stops like the button, and nothing closes it before the result */
function working(label, all) {
  const dialog = $("#bulk-dialog"), body = $("#bulk-body");
  let stopped = false;
  body.replaceChildren($("#bulk-working").content.cloneNode(true));
  body.setAttribute("aria-busy", "true");
  $("h2", body).textContent = label;
  const bar = $("progress", body), words = $("[role=status]", body), stop = $("[data-bulk-stop]", body);
  const show = (left) => { bar.max = all; bar.value = all - left; words.textContent = dialog.dataset.progress.replace("{done}", all - left).replace("{all}", all); };
  const halt = (event) => { event.preventDefault(); stopped = true; stop.disabled = true; stop.setAttribute("aria-busy", "true"); };
  dialog.addEventListener("cancel", halt);
  stop.addEventListener("click", halt);
  show(all);
  gezhi().openDialog(dialog);
  return { show, isStopped: () => stopped, end: () => { dialog.removeEventListener("cancel", halt); body.removeAttribute("aria-busy"); } };
}
/* the answers of all batches as one: the first one's frame, every row, and the sums */
function verdicts(parts, unsent) {
  const pages = parts.map((text) => new DOMParser().parseFromString(text, "text/html").body);
  const [first, ...others] = pages, list = $(".verdicts", first), said = $("[role=status]", first), words = $("#bulk-dialog").dataset;
  others.forEach((page) => list.append(...$$(".verdicts > li", page)));
  if (others.length || unsent) {
    const sum = (key) => pages.reduce((n, page) => n + Number($("[role=status]", page).dataset[key]), 0), failed = sum("failed"), missing = sum("missing");
    const counts = [["done", list.children.length - failed], ["failed", failed], ["missing", missing], ["unsent", unsent]];
    said.textContent = counts.filter(([key, n]) => n || key === "done").map(([key, n]) => words[key].replace("{n}", n)).join(" ");
  }
  return first.childNodes;
}
function askReason() {
  const dialog = $("#bulk-reason"), text = $("textarea", dialog);
  text.value = "";
  gezhi().openDialog(dialog);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "go" ? text.value.trim() : ""), { once: true }));
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-bulk]");
  if (button) bulk(button);
  else if (event.target.closest?.("[data-untick]")) untick();
  else if (event.target.matches?.("#orders input[name=number]")) {
    if (event.shiftKey && lastTick?.isConnected) range(lastTick, event.target);
    lastTick = event.target;
  }
});
function range(from, to) {
  const all = ticks(true), ends = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  all.slice(ends[0], ends[1] + 1).forEach((box) => { box.checked = to.checked; });
  showTicks();
}

function keys() {
  const words = board()?.dataset;
  if (!words || !gezhi()) return;
  const { onKey } = gezhi();
  onKey("J", words.nextLabel, () => step(1));
  onKey("K", words.previousLabel, () => step(-1));
  onKey("X", words.tickLabel, () => {
    const box = rows().find((row) => row.dataset.number === current)?.querySelector("input[name=number]");
    if (!box) return false;
    box.checked = !box.checked;
    showTicks();
    return true;
  });
  onKey("Escape", words.untickLabel, () => (ticks().length ? untick() : closePane()));
}
addEventListener("load", () => { keys(); mark(current); });
