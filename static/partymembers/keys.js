/* The page that shows a new key once: copies it, and lets a reload lead on instead of making another. */
import { copyText } from "../js/copy.js";

const page = document.querySelector("[data-shown-once]");
if (page) {
  history.replaceState(null, "", page.dataset.shownOnce);
  page.querySelector("[data-copy-secret]")?.addEventListener("click", async () => {
    const secret = document.getElementById("secret");
    const done = await copyText(secret.textContent);
    document.getElementById("copied").hidden = !done;
    if (!done) getSelection().selectAllChildren(secret);   // ready for Ctrl+C
  });
}
