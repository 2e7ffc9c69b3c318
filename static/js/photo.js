/* Photos: camera and album tiles, previews, removal, downscaling before they leave the phone.
   Without this script the two inputs are plain file inputs of the same name, and everything still works.
   <div class="upload" data-photos data-name="photos" data-max="6" …>, see components/photos.html.
   With data-upload-url each photo is sent at once (POST `photo`, `claims`; answers {id}) and only its id goes with
   the form; without it, without network or until it is sent, the files go with the form. What the original claims of time and place travels beside it,
   because the re-encoded picture carries no metadata. */

import { claimsOf } from "./exif.js";

const QUALITY = 0.85;

async function shrink(file, edge) {
  let picture;
  try { picture = await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { return file; }   // HEIC and the like: the server reads them
  const scale = Math.min(1, edge / Math.max(picture.width, picture.height));
  if (scale === 1 && file.type === "image/jpeg" && file.size < 1500000) return file;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return blob ? new File([blob], file.name.replace(/\.[^.]+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified }) : file;
}

function start(box) {
  if (box.dataset.started) return;
  box.dataset.started = "1";
  const { name, uploadUrl } = box.dataset;
  const most = Number(box.dataset.max || 6), edge = Number(box.dataset.maxEdge || 2560);
  const grid = box.querySelector(".upload-grid"), album = box.querySelector(".album");
  const sources = [...box.querySelectorAll("input[type=file]")];
  const kept = [];      // {file, claims, figure, id}
  const collector = document.createElement("input");
  Object.assign(collector, { type: "file", multiple: true, hidden: true, name, tabIndex: -1 });
  const claimsField = document.createElement("input");
  Object.assign(claimsField, { type: "hidden", name: `${name}_claims` });
  box.append(collector, claimsField);
  sources.forEach((input) => { input.removeAttribute("name"); input.required = false; });

  const already = () => grid.querySelectorAll("figure[data-photo-id]").length;
  const good = () => kept.filter((each) => !each.bad);
  function collect() {
    const waiting = good().filter((each) => !each.id), transfer = new DataTransfer();
    waiting.forEach((each) => transfer.items.add(each.file));
    collector.files = transfer.files;
    claimsField.value = JSON.stringify(waiting.map((each) => each.claims));
    const full = good().length + already() >= most;
    sources.forEach((input) => { input.disabled = full; input.closest("label")?.toggleAttribute("hidden", full); });
    box.dispatchEvent(new CustomEvent("photos:change", { bubbles: true, detail: { files: good().map(({ file, claims }) => ({ file, claims })) } }));
  }
  function tile(file) {
    const figure = document.createElement("figure");
    figure.className = "photo";
    const image = document.createElement("img");
    image.alt = file.name;
    image.src = URL.createObjectURL(file);
    image.addEventListener("error", () => { const label = document.createElement("span"); label.textContent = file.name; image.replaceWith(label); });
    const remove = document.createElement("button");
    Object.assign(remove, { type: "button", className: "del" });
    remove.setAttribute("aria-label", (box.dataset.removeLabel || "").replace("{name}", file.name));
    remove.append(window.gezhi.icon("x"));
    figure.append(image, remove);
    if (album) grid.insertBefore(figure, album); else grid.append(figure);
    return figure;
  }
  function stamp(figure, claims) {
    if (!claims.taken_at || figure.querySelector("figcaption")) return;
    const caption = document.createElement("figcaption");
    caption.textContent = claims.taken_at.slice(11, 16);
    figure.append(caption);
  }
  function refuse(each, message) {
    each.bad = true;
    each.figure.dataset.bad = "";
    each.figure.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = `${each.file.name}\n${message}`;
    each.figure.querySelector("img, figcaption")?.remove();
    each.figure.prepend(words);
  }
  function progress(each) {
    const bar = document.createElement("progress");
    Object.assign(bar, { className: "bar", max: 100 });
    bar.setAttribute("aria-label", box.dataset.progressLabel || "");
    each.figure.append(bar);
    return bar;
  }
  function send(each, bar) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest(), body = new FormData();
      body.append("photo", each.file, each.file.name);
      body.append("claims", JSON.stringify(each.claims));
      request.open("POST", uploadUrl);
      request.setRequestHeader("X-CSRFToken", document.querySelector("meta[name=csrf-token]")?.content ?? "");
      request.setRequestHeader("Accept", "application/json");
      request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = Math.round(100 * event.loaded / event.total); };
      request.onloadend = () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* not JSON: a page of a proxy */ }
        if (request.status >= 200 && request.status < 300 && answer.id) {
          const field = document.createElement("input");
          Object.assign(field, { type: "hidden", name, value: answer.id });
          each.figure.append(field);
          each.id = answer.id;
        } else if (request.status) refuse(each, answer.message || box.dataset.failedLabel || "");
        // no status: no network; the file stays and goes with the form
        resolve();
      };
      request.send(body);
    });
  }
  async function take(file, claims = null) {
    const each = { file, claims: claims ?? {}, figure: tile(file) };
    kept.push(each);
    const bar = progress(each);
    if (file.type && !file.type.startsWith("image/")) refuse(each, box.dataset.badLabel || "");
    else {
      if (!claims) { each.claims = await claimsOf(file); each.file = await shrink(file, edge); }
      stamp(each.figure, each.claims);
      if (uploadUrl) { collect(); await send(each, bar); }
    }
    bar.remove();
    collect();
  }
  sources.forEach((input) => input.addEventListener("change", async () => {
    const chosen = [...input.files];
    input.value = "";
    for (const file of chosen.slice(0, most - good().length - already())) await take(file);
    if (chosen.length && good().length + already() >= most && chosen.length > 1) box.querySelector("[data-photos-full]")?.removeAttribute("hidden");
  }));
  grid.addEventListener("click", (event) => {
    const figure = event.target.closest(".del")?.closest("figure");
    if (!figure) return;
    const at = kept.findIndex((each) => each.figure === figure);
    if (at >= 0) kept.splice(at, 1);
    figure.remove();
    collect();
    sources.find((input) => !input.disabled)?.focus();
  });
  box.photos = { restore: async (files) => { for (const { file, claims } of files.slice(0, most)) if (!good().some((each) => each.file.name === file.name && each.file.size === file.size)) await take(file, claims); } };
  box.dispatchEvent(new CustomEvent("photos:ready", { bubbles: true }));
  if (already() >= most) collect();
}

const all = (root) => [...(root.matches?.("[data-photos]") ? [root] : []), ...root.querySelectorAll("[data-photos]")];
all(document).forEach(start);
document.addEventListener("htmx:load", (event) => all(event.detail.elt).forEach(start));
