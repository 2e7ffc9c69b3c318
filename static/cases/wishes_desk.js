/* Asking for a wish: whoever comes back to a form that was taken asks for another wish, not for the same once more. */
const form = document.querySelector("form.wd-ask");

function freshId() {
  const field = document.querySelector("#id_client_id");
  if (field) field.value = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2, 12)}`;
}

form?.addEventListener("draft:renewed", freshId);

/* the desk's list: one tick takes all */
const all = document.querySelector("[data-tick-all]");
all?.addEventListener("change", () => {
  for (const box of document.querySelectorAll("input[name=number]")) box.checked = all.checked;
});
