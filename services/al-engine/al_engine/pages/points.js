// The points of a map as the server packs them (map_points.py says how).

import * as api from "./api.js";

export const REST = 0;
export const PROPOSED = 1;
export const MEDOID = 2;

/** `{header, length, x, y, tagger, label, set, kind, id(i), indexOf(id)}`, typed arrays [points]. */
export async function fetchPoints(iteration_id) {
  return unpack(await api.points(iteration_id));
}

export function unpack(buffer) {
  const words = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, words)));
  const n = header.points;
  let at = 4 + words;
  const take = (Kind, length) => {
    const part = new Kind(buffer, at, length);
    at += part.byteLength;
    return part;
  };
  const places = take(Float32Array, 2 * n);
  const [tagger, label, set] = [0, 1, 2].map(() => take(Uint16Array, n));
  const kind = take(Uint8Array, n);
  const ids = take(Uint8Array, 16 * n);
  const index = new Map();
  for (let i = 0; i < n; i++) index.set(uuid(ids, i), i);
  return {
    header,
    length: n,
    x: Float32Array.from({ length: n }, (_, i) => places[2 * i]),
    y: Float32Array.from({ length: n }, (_, i) => places[2 * i + 1]),
    tagger,
    label,
    set,
    kind,
    id: (i) => uuid(ids, i),
    indexOf: (audio_id) => index.get(audio_id),
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function uuid(bytes, row) {
  let text = "";
  for (let i = 0; i < 16; i++) text += (i > 3 && i < 11 && i % 2 === 0 ? "-" : "") + HEX[bytes[16 * row + i]];
  return text;
}
