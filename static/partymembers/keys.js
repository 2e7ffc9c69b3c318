/* The page that shows a new key once: copies it, and lets a reload lead on instead of making another. */
const page = document.querySelector("[data-shown-once]");
if (page) {
  history.replaceState(null, "", page.dataset.shownOnce);
  page.querySelector("[data-copy-secret]")?.addEventListener("click", () => {
    const secret = document.getElementById("secret");
    const told = () => { document.getElementById("copied").hidden = false; };
    const choose = () => getSelection().selectAllChildren(secret);   // without the clipboard: ready for Ctrl+C
    if (navigator.clipboard) navigator.clipboard.writeText(secret.textContent).then(told, choose); else choose();
  });
}
