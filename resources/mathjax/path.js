// Paths as a painter takes them: absolute steps M, L, H, V, C, S, Q, T and Z only.
//
// The font's own paths are so. MathJax draws \enclose's arrows with relative steps and the bow of a
// long division as an arc of an ellipse, which becomes curves here (the SVG recommendation, F.6.5).

const STEP = /([a-zA-Z])|(-?(?:\d+\.?\d*|\.\d+)(?:[eE]-?\d+)?)/g;
const LENGTHS = { m: 2, l: 2, h: 1, v: 1, c: 6, s: 4, q: 4, t: 2, a: 7, z: 0 };
const rounded = (x) => Math.round(x * 1e4) / 1e4;

/** Return a path without relative steps and arcs; one that has none is returned as it is. */
export function absolute(path) {
  if (!/[a-df-zA]/.test(path)) return path;
  const out = [];
  let [x, y, startX, startY] = [0, 0, 0, 0];
  for (const [command, values] of steps(path)) {
    const kind = command.toLowerCase();
    const own = command === kind;
    const at = values.map((value, index) => (own && kind !== 'a' ? value + (isAcross(kind, index) ? x : y) : value));
    if (kind === 'z') {
      out.push('Z');
      [x, y] = [startX, startY];
    } else if (kind === 'a') {
      const end = [values[5] + (own ? x : 0), values[6] + (own ? y : 0)];
      for (const curve of arc([x, y], values, end)) out.push(`C${curve.map(rounded).join(' ')}`);
      [x, y] = end;
    } else {
      out.push(kind.toUpperCase() + at.map(rounded).join(' '));
      if (kind === 'h') [x] = at;
      else if (kind === 'v') [y] = at;
      else [x, y] = at.slice(-2);
      if (kind === 'm') [startX, startY] = [x, y];
    }
  }
  return out.join('');
}

const isAcross = (kind, index) => (kind === 'v' ? false : index % 2 === 0);

function* steps(path) {
  let command = '';
  let values = [];
  for (const [, letter, number] of path.replaceAll(',', ' ').matchAll(STEP)) {
    if (letter) {
      command = letter;
      values = [];
      if (LENGTHS[letter.toLowerCase()] === 0) yield [letter, []];
    } else {
      values.push(parseFloat(number));
      if (values.length === LENGTHS[command.toLowerCase()]) {
        yield [command, values];
        values = [];
        if (command === 'm') command = 'l';
        if (command === 'M') command = 'L';
      }
    }
  }
}

// An arc of an ellipse as curves of at most a quarter turn each.
function* arc([x1, y1], [rxGiven, ryGiven, degrees, large, sweep], [x2, y2]) {
  let [rx, ry] = [Math.abs(rxGiven), Math.abs(ryGiven)];
  if (!rx || !ry || (x1 === x2 && y1 === y2)) {
    yield [x1, y1, x2, y2, x2, y2];
    return;
  }
  const turn = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [dx, dy] = [(x1 - x2) / 2, (y1 - y2) / 2];
  const [px, py] = [cos * dx + sin * dy, cos * dy - sin * dx];
  const grown = Math.sqrt((px / rx) ** 2 + (py / ry) ** 2);
  if (grown > 1) [rx, ry] = [rx * grown, ry * grown];
  const spread = (rx * py) ** 2 + (ry * px) ** 2;
  const factor = (large === sweep ? -1 : 1) * Math.sqrt(Math.max(0, ((rx * ry) ** 2 - spread) / spread));
  const [qx, qy] = [(factor * rx * py) / ry, (-factor * ry * px) / rx];
  const [cx, cy] = [cos * qx - sin * qy + (x1 + x2) / 2, sin * qx + cos * qy + (y1 + y2) / 2];
  const from = Math.atan2((py - qy) / ry, (px - qx) / rx);
  let through = Math.atan2((-py - qy) / ry, (-px - qx) / rx) - from;
  if (sweep && through < 0) through += 2 * Math.PI;
  if (!sweep && through > 0) through -= 2 * Math.PI;
  const count = Math.ceil(Math.abs(through) / (Math.PI / 2) - 1e-9);
  const handle = (4 / 3) * Math.tan(through / count / 4);
  const on = (a, u, v) => [
    cx + cos * rx * u(a) - sin * ry * v(a), cy + sin * rx * u(a) + cos * ry * v(a),
  ];
  for (let part = 0; part < count; part += 1) {
    const [a, b] = [from + (through * part) / count, from + (through * (part + 1)) / count];
    const one = on(a, (t) => Math.cos(t) - handle * Math.sin(t), (t) => Math.sin(t) + handle * Math.cos(t));
    const two = on(b, (t) => Math.cos(t) + handle * Math.sin(t), (t) => Math.sin(t) - handle * Math.cos(t));
    yield [...one, ...two, ...on(b, Math.cos, Math.sin)];
  }
}
