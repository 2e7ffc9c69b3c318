/* What a JPEG claims about itself: when and where it was taken. Reads the first bytes only; any surprise gives {}. */

const TYPE_SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8];

function entries(view, base, offset, little) {
  const found = new Map();
  const count = view.getUint16(base + offset, little);
  for (let at = 0; at < count; at += 1) {
    const entry = base + offset + 2 + at * 12;
    const type = view.getUint16(entry + 2, little), amount = view.getUint32(entry + 4, little);
    const inline = (TYPE_SIZES[type] || 1) * amount <= 4;
    found.set(view.getUint16(entry, little), { type, amount, at: inline ? entry + 8 : base + view.getUint32(entry + 8, little), raw: entry + 8 });
  }
  return found;
}
function text(view, entry) {
  let written = "";
  for (let at = 0; at < entry.amount - 1; at += 1) written += String.fromCharCode(view.getUint8(entry.at + at));
  return written;
}
function degrees(view, entry, little) {
  const part = (at) => view.getUint32(entry.at + at * 8, little) / (view.getUint32(entry.at + at * 8 + 4, little) || 1);
  return part(0) + part(1) / 60 + part(2) / 3600;
}

function read(view) {
  let at = 2;
  while (at < view.byteLength - 4) {
    const marker = view.getUint16(at), length = view.getUint16(at + 2);
    if (marker === 0xffe1 && view.getUint32(at + 4) === 0x45786966) break;
    if ((marker & 0xff00) !== 0xff00 || marker === 0xffda) return {};
    at += 2 + length;
  }
  const base = at + 10;
  const little = view.getUint16(base) === 0x4949;
  const main = entries(view, base, view.getUint32(base + 4, little), little);
  const claims = {};
  if (main.has(0x8769)) {
    const detail = entries(view, base, view.getUint32(main.get(0x8769).raw, little), little);
    const taken = detail.has(0x9003) ? text(view, detail.get(0x9003)) : "";
    const parts = taken.match(/^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/);
    if (parts) claims.taken_at = `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}`;
  }
  if (main.has(0x8825)) {
    const gps = entries(view, base, view.getUint32(main.get(0x8825).raw, little), little);
    if (gps.has(2) && gps.has(4)) {
      const south = gps.has(1) && text(view, { ...gps.get(1), amount: 2 }) === "S", west = gps.has(3) && text(view, { ...gps.get(3), amount: 2 }) === "W";
      const lat = degrees(view, gps.get(2), little) * (south ? -1 : 1), lng = degrees(view, gps.get(4), little) * (west ? -1 : 1);
      if (Number.isFinite(lat) && Number.isFinite(lng) && (lat || lng)) Object.assign(claims, { lat: +lat.toFixed(6), lng: +lng.toFixed(6) });
    }
  }
  return claims;
}

export async function claimsOf(file) {
  try {
    const view = new DataView(await file.slice(0, 262144).arrayBuffer());
    return view.getUint16(0) === 0xffd8 ? read(view) : {};
  } catch { return {}; }
}
