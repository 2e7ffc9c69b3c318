/* Maps of our own polygons (Leaflet), over a base layer only where the settings name one.
   <div class="map" data-map data-boundaries="id" data-points="id" data-point="lat,lng" data-choropleth …>
   boundaries: GeoJSON FeatureCollection in a json_script; properties name, label, url, k (1–5), worst, current.
   points: [{lat, lng, light, label, url}]. Everything that a map shows is also said in text beside it. */

const SVG = "http://www.w3.org/2000/svg";
const css = (name, at) => getComputedStyle(at).getPropertyValue(name).trim();
const json = (id) => { const script = id && document.getElementById(id); return script ? JSON.parse(script.textContent) : null; };
const pair = (text) => { const [lat, lng] = (text || "").split(",").map(Number); return Number.isFinite(lat) && Number.isFinite(lng) && text ? [lat, lng] : null; };

function outline(box, properties) {
  const shown = { color: css("--info", box), weight: 1.2, opacity: 0.55, dashArray: "4 3", fill: false };
  if (box.dataset.choropleth !== undefined) {
    return { color: css("--surface", box), weight: 1.5, fill: true, fillOpacity: 1,
      fillColor: properties.k ? css(`--ramp-${properties.k}`, box) : css("--surface-3", box) };
  }
  return properties.current ? { ...shown, weight: 2, opacity: 1, dashArray: null, fill: true, fillColor: css("--info", box), fillOpacity: 0.1 } : shown;
}

/* the worst area: hatched and edged, so that it is found without colour */
function hatch(map, box) {
  const svg = map.getPanes().overlayPane.querySelector("svg");
  if (!svg || svg.querySelector("#hatch")) return;
  const make = (name, attributes) => { const each = document.createElementNS(SVG, name); Object.entries(attributes).forEach(([k, v]) => each.setAttribute(k, v)); return each; };
  const pattern = make("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(make("rect", { width: 6, height: 6, fill: css("--ramp-1", box) }), make("rect", { width: 1.6, height: 6, fill: css("--red-mark", box), opacity: 0.5 }));
  const defs = make("defs", {});
  defs.append(pattern);
  svg.prepend(defs);
}

function areas(map, box, data) {
  const layer = L.geoJSON(data, {
    style: (feature) => outline(box, feature.properties || {}),
    onEachFeature(feature, shape) {
      const { name, label, url, k } = feature.properties || {};
      const words = document.createElement("span");
      words.textContent = [name, label].filter(Boolean).join(box.dataset.labels === undefined ? " " : "\n");
      if (box.dataset.labels !== undefined && name) {
        shape.bindTooltip(words, { permanent: true, direction: "center", className: `map-label${k >= 4 ? " dark" : ""}` });
      } else if (name) shape.bindTooltip(words, { sticky: true });
      if (url && box.dataset.picker === undefined) {
        shape.on("click", () => location.assign(url));
        shape.on("add", () => {
          const path = shape.getElement?.();
          if (!path) return;
          path.setAttribute("tabindex", "0");
          path.setAttribute("role", "link");
          path.setAttribute("aria-label", words.textContent);
          path.addEventListener("keydown", (event) => { if (event.key === "Enter") location.assign(url); });
        });
      }
    },
  }).addTo(map);
  map.whenReady(() => {
    const worst = box.dataset.choropleth === undefined ? [] : layer.getLayers().filter((shape) => shape.feature.properties?.worst);
    if (worst.length) hatch(map, box);
    worst.forEach((shape) => { shape.setStyle({ color: css("--red-mark", box), weight: 2.2, fillColor: "url(#hatch)" }); shape.bringToFront(); });
  });
  return layer;
}

function pinIcon() {
  const pin = document.createElement("span");
  pin.className = "map-pin";
  pin.innerHTML = '<svg viewBox="0 0 32 40" aria-hidden="true"><path class="m-pin" d="M16 38C9 28 4 22 4 15a12 12 0 0 1 24 0c0 7-5 13-12 23Z"/><circle class="m-pin-dot" cx="16" cy="15" r="4.5"/></svg>';
  return L.divIcon({ html: pin, className: "", iconSize: [32, 40], iconAnchor: [16, 38] });
}

const pinTitle = (box) => box.dataset.pinTitle || box.getAttribute("aria-label") || "";

function dots(map, box, points) {
  const group = L.featureGroup();
  for (const { lat, lng, light, label, url } of points) {
    const colour = css({ red: "--red-mark", yellow: "--yellow-mark", green: "--green-mark" }[light] || "--grey-mark", box);
    const dot = L.circleMarker([lat, lng], { radius: light === "red" ? 8 : 6, color: "#fff", weight: 1.5, fillColor: colour, fillOpacity: 1 });
    if (label) { const words = document.createElement("span"); words.textContent = label; dot.bindTooltip(words); }
    if (url) dot.on("click", () => location.assign(url));
    group.addLayer(dot);
  }
  return group.addTo(map);
}

function picker(map, box, marker) {
  const latInput = document.getElementById(box.dataset.latInput), lngInput = document.getElementById(box.dataset.lngInput);
  const accuracyInput = document.getElementById(box.dataset.accuracyInput || "");
  const put = (point, accuracy = "") => {
    if (!marker.at) { marker.at = L.marker(point, { icon: pinIcon(), draggable: true, keyboard: true, title: pinTitle(box) }).addTo(map); marker.at.on("dragend", () => put(marker.at.getLatLng())); }
    marker.at.setLatLng(point);
    const { lat, lng } = L.latLng(point);
    latInput.value = lat.toFixed(6);
    lngInput.value = lng.toFixed(6);
    if (accuracyInput) accuracyInput.value = accuracy === "" ? "" : Math.round(accuracy);
    [latInput, lngInput].forEach((input) => input.dispatchEvent(new Event("change", { bubbles: true })));
    box.dispatchEvent(new CustomEvent("map:point", { bubbles: true, detail: { lat, lng, accuracy } }));
  };
  if (marker.at) { marker.at.dragging?.enable(); marker.at.on("dragend", () => put(marker.at.getLatLng())); }
  map.on("click", (event) => put(event.latlng));
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target === box) put(map.getCenter()); });
  const locate = document.getElementById(box.dataset.locate || "");
  const find = () => navigator.geolocation?.getCurrentPosition(
    ({ coords }) => { const point = [coords.latitude, coords.longitude]; put(point, coords.accuracy); map.setView(point, Math.max(map.getZoom(), 17)); },
    () => window.gezhi?.toast({ text: box.dataset.locateFailed || "", tone: "warning" }),
    { enableHighAccuracy: true, timeout: 8000, maximumAge: 30000 });
  locate?.addEventListener("click", find);
  if (box.dataset.autolocate !== undefined && !latInput.value) find();
}

export function draw(box) {
  if (box.dataset.drawn || typeof L === "undefined") return;
  box.dataset.drawn = "1";
  const map = L.map(box, { zoomControl: false, attributionControl: Boolean(box.dataset.attribution), scrollWheelZoom: box.dataset.wheel !== undefined,
    dragging: box.dataset.static === undefined, zoomSnap: 0.25, minZoom: 3, maxZoom: 20, keyboard: true });
  if (box.dataset.static === undefined) L.control.zoom({ position: "topright", zoomInTitle: box.dataset.zoomIn || "+", zoomOutTitle: box.dataset.zoomOut || "−" }).addTo(map);
  if (box.dataset.base) L.tileLayer(box.dataset.base, { attribution: box.dataset.attribution || "", maxZoom: 20 }).addTo(map);
  const data = json(box.dataset.boundaries), points = json(box.dataset.points) || [];
  const layer = data ? areas(map, box, data) : null;
  const marker = { at: null };
  const point = pair(box.dataset.point);
  if (point) {
    marker.at = L.marker(point, { icon: pinIcon(), draggable: box.dataset.picker !== undefined, keyboard: box.dataset.picker !== undefined, title: pinTitle(box) }).addTo(map);
  }
  const group = points.length ? dots(map, box, points) : null;
  const bounds = L.latLngBounds([]);
  const current = data && layer.getLayers().filter((each) => each.feature.properties?.current);
  if (current?.length) current.forEach((each) => bounds.extend(each.getBounds()));
  else if (layer?.getLayers().length) bounds.extend(layer.getBounds());
  if (group) bounds.extend(group.getBounds());
  if (point && (!bounds.isValid() || !box.dataset.fit)) { if (bounds.isValid()) bounds.extend(point); else map.setView(point, 17); }
  if (bounds.isValid()) map.fitBounds(bounds, { padding: [12, 12], maxZoom: 18 });
  else if (!point) map.setView([35, 105], 4);
  if (box.dataset.picker !== undefined) picker(map, box, marker);
  box.map = map;
  new ResizeObserver(() => map.invalidateSize()).observe(box);
}

const all = (root) => [...(root.matches?.("[data-map]") ? [root] : []), ...root.querySelectorAll("[data-map]")];
all(document).forEach(draw);
document.addEventListener("htmx:load", (event) => all(event.detail.elt).forEach(draw));
