// QR codes (ISO/IEC 18004): bytes, error correction level M, versions 1 to 20, always mask 0. Readers take any mask;
// what stands in ours is compressed, so the patterns that a better one would avoid do not come up.

import { h } from "./dom.js";

const CHECKS = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

const [EXP, LOG] = [new Uint8Array(512), new Uint8Array(256)];
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

// The remainder of a block by the generator of that degree: its error correction.
function checksOf(block, degree) {
  let generator = [1];
  for (let root = 0; root < degree; root += 1)
    generator = [...generator, 0].map((one, index) => one ^ times(generator[index - 1] ?? 0, EXP[root]));
  const rest = new Array(degree).fill(0);
  for (const one of block) {
    const lead = one ^ rest.shift();
    rest.push(0);
    generator.slice(1).forEach((factor, index) => { rest[index] ^= times(factor, lead); });
  }
  return rest;
}

// Codewords, data and checks together, that a version holds.
function capacity(version) {
  const aligned = version > 1 && Math.floor(version / 7) + 2;
  const around = aligned ? (25 * aligned - 10) * aligned - 55 + (version >= 7 ? 36 : 0) : 0;
  return Math.floor(((16 * version + 128) * version + 64 - around) / 8);
}

function codewords(data, version) {
  const [checks, blocks, total] = [CHECKS[version - 1], BLOCKS[version - 1], capacity(version)];
  const room = total - checks * blocks;
  const bits = [4, data.length, ...data].flatMap((value, index) => {
    const length = index === 0 ? 4 : index === 1 && version > 9 ? 16 : 8;
    return Array.from({ length }, (_, at) => (value >> (length - 1 - at)) & 1);
  });
  if (bits.length > room * 8) return null;
  bits.push(0, 0, 0, 0); // the end; now they are whole bytes
  const bytes = Array.from({ length: bits.length / 8 }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(""), 2));
  for (let at = 0; bytes.length < room; at += 1) bytes.push(at % 2 ? 0x11 : 0xec);
  const short = blocks - (total % blocks);
  const parts = Array.from({ length: blocks }, (_, at) => {
    const length = Math.floor(total / blocks) - checks;
    return bytes.slice(at * length + Math.max(0, at - short), (at + 1) * length + Math.max(0, at + 1 - short));
  });
  const woven = (rows) => Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, at) => rows.map((row) => row[at])).flat()
    .filter((one) => one !== undefined);
  return [...woven(parts), ...woven(parts.map((part) => checksOf(part, checks)))];
}

const code = (value, bits, polynomial) => {
  let rest = value;
  for (let at = 0; at < bits; at += 1) rest = (rest << 1) ^ ((rest >> (bits - 1)) * polynomial);
  return (value << bits) | rest;
};

// The patterns that readers find it by: modules by "x,y"; everything else is data.
function patterns(version) {
  const size = version * 4 + 17;
  const found = new Map();
  const set = (x, y, dark) => { if (x >= 0 && y >= 0 && x < size && y < size) found.set(y * size + x, Boolean(dark)); };
  const rings = (cx, cy, reach, light) => {
    for (let y = -reach; y <= reach; y += 1)
      for (let x = -reach; x <= reach; x += 1) set(cx + x, cy + y, !light.includes(Math.max(Math.abs(x), Math.abs(y))));
  };
  for (let at = 0; at < size; at += 1) { set(6, at, at % 2 === 0); set(at, 6, at % 2 === 0); }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) rings(x, y, 4, [2, 4]);
  const many = version > 1 ? Math.floor(version / 7) + 2 : 0;
  const step = Math.ceil((version * 4 + 4) / (many * 2 - 2)) * 2;
  const places = Array.from({ length: many }, (_, at) => (at ? size - 7 - (many - 1 - at) * step : 6));
  for (const x of places) for (const y of places) if (![[6, 6], [6, size - 7], [size - 7, 6]].some(([a, b]) => a === x && b === y)) rings(x, y, 2, [1]);
  // Level M and mask 0 are zero, so their code is what is always laid over it.
  const format = 0x5412;
  const bit = (at) => (format >> at) & 1;
  for (let at = 0; at < 15; at += 1) {
    set(8, at < 6 ? at : at < 8 ? at + 1 : size - 15 + at, bit(at));
    set(at < 8 ? size - 1 - at : at < 9 ? 7 : 14 - at, 8, bit(at));
  }
  set(8, size - 8, true);
  for (let at = 0; version >= 7 && at < 18; at += 1) {
    const [near, far] = [Math.floor(at / 3), size - 11 + (at % 3)];
    const dark = (code(version, 12, 0x1f25) >> at) & 1;
    set(far, near, dark);
    set(near, far, dark);
  }
  return [size, found];
}

// Rows of booleans, true for dark; null for what is too long.
export function qrModules(text) {
  const data = [...new TextEncoder().encode(text)];
  const version = CHECKS.findIndex((_, index) => codewords(data, index + 1)) + 1;
  if (!version) return null;
  const words = codewords(data, version);
  const [size, fixed] = patterns(version);
  const rows = Array.from({ length: size }, (_, y) => Array.from({ length: size }, (__, x) => fixed.get(y * size + x) ?? (x + y) % 2 === 0));
  let at = 0;
  for (let right = size - 1; right >= 1; right -= right === 8 ? 3 : 2)
    for (let down = 0; down < size; down += 1)
      for (const x of [right, right - 1]) {
        const y = (right + 1) & 2 ? down : size - 1 - down;
        if (fixed.has(y * size + x)) continue;
        if ((words[at >> 3] >> (7 - (at & 7))) & 1) rows[y][x] = !rows[y][x];
        at += 1;
      }
  return rows;
}

export function qrCode(text, name) {
  const rows = qrModules(text);
  if (!rows) return null;
  const path = rows.flatMap((row, y) => row.map((dark, x) => dark && `M${x} ${y}h1v1h-1z`)).filter(Boolean).join("");
  return h("svg", { class: "qr", viewBox: `-2 -2 ${rows.length + 4} ${rows.length + 4}`, role: "img", "aria-label": name, "shape-rendering": "crispEdges" }, h("path", { d: path }));
}
