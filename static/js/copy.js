/* Puts a text on the clipboard; resolves to whether it is there. The older way comes first: it needs neither
   https nor a permission, which the browsers inside messengers do not give; some of them lack it, though. */
export async function copyText(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.readOnly = true;
  Object.assign(box.style, { position: "fixed", top: "0", opacity: "0" });
  const held = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  held?.focus({ preventScroll: true });
  return done || (navigator.clipboard?.writeText(text).then(() => true, () => false) ?? false);
}
