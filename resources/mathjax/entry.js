// TeX to a display list: MathJax's SVG tree, flattened to what a painter can draw.
//
// A painter needs no SVG: paths, rectangles, lines, ellipses and runs of text, each with the
// matrix, the colours and the clip that hold for it. Lengths are thousandths of an em, y downwards,
// the origin on the baseline at the left. What is drawn twice (a letter, mostly) stands once in
// `paths`.

import { mathjax } from '@mathjax/src/mjs/mathjax.js';
import { TeX } from '@mathjax/src/mjs/input/tex.js';
import { TagsFactory } from '@mathjax/src/mjs/input/tex/Tags.js';
import { SVG } from '@mathjax/src/mjs/output/svg.js';
import { liteAdaptor } from '@mathjax/src/mjs/adaptors/liteAdaptor.js';
import { RegisterHTMLHandler } from '@mathjax/src/mjs/handlers/html.js';
import { MathJaxNewcmFont } from '@mathjax/mathjax-newcm-font/mjs/svg.js';
import { MathJaxMhchemFontExtension } from '@mathjax/mathjax-mhchem-font-extension/mjs/svg.js';

import '@mathjax/src/mjs/input/tex/base/BaseConfiguration.js';
import '@mathjax/src/mjs/input/tex/action/ActionConfiguration.js';
import '@mathjax/src/mjs/input/tex/ams/AmsConfiguration.js';
import '@mathjax/src/mjs/input/tex/amscd/AmsCdConfiguration.js';
import '@mathjax/src/mjs/input/tex/bbox/BboxConfiguration.js';
import '@mathjax/src/mjs/input/tex/boldsymbol/BoldsymbolConfiguration.js';
import '@mathjax/src/mjs/input/tex/braket/BraketConfiguration.js';
import '@mathjax/src/mjs/input/tex/bussproofs/BussproofsConfiguration.js';
import '@mathjax/src/mjs/input/tex/cancel/CancelConfiguration.js';
import '@mathjax/src/mjs/input/tex/cases/CasesConfiguration.js';
import '@mathjax/src/mjs/input/tex/centernot/CenternotConfiguration.js';
import '@mathjax/src/mjs/input/tex/color/ColorConfiguration.js';
import '@mathjax/src/mjs/input/tex/colortbl/ColortblConfiguration.js';
import '@mathjax/src/mjs/input/tex/configmacros/ConfigMacrosConfiguration.js';
import '@mathjax/src/mjs/input/tex/empheq/EmpheqConfiguration.js';
import '@mathjax/src/mjs/input/tex/enclose/EncloseConfiguration.js';
import '@mathjax/src/mjs/input/tex/extpfeil/ExtpfeilConfiguration.js';
import '@mathjax/src/mjs/input/tex/gensymb/GensymbConfiguration.js';
import '@mathjax/src/mjs/input/tex/mathtools/MathtoolsConfiguration.js';
import '@mathjax/src/mjs/input/tex/mhchem/MhchemConfiguration.js';
import '@mathjax/src/mjs/input/tex/newcommand/NewcommandConfiguration.js';
import '@mathjax/src/mjs/input/tex/tagformat/TagFormatConfiguration.js';
import '@mathjax/src/mjs/input/tex/textcomp/TextcompConfiguration.js';
import '@mathjax/src/mjs/input/tex/textmacros/TextMacrosConfiguration.js';
import '@mathjax/src/mjs/input/tex/unicode/UnicodeConfiguration.js';
import '@mathjax/src/mjs/input/tex/upgreek/UpgreekConfiguration.js';
import '@mathjax/src/mjs/input/tex/verb/VerbConfiguration.js';
import './macros.js';
import { textWidth } from './script.js';
import { absolute } from './path.js';

// A part of the font that is not there yet: who asked for the formula is told, and gives it.
class PartNeeded extends Error {}

mathjax.asyncLoad = () => {};
mathjax.asyncIsSynchronous = true;
globalThis.fontOfFormulas = MathJaxNewcmFont;
MathJaxNewcmFont.prototype.loadDynamicFileSync = (part) => {
  if (!part.promise) throw new PartNeeded(part.file);
};
MathJaxNewcmFont.addExtension(MathJaxMhchemFontExtension);

// Not here: physics (it makes \div a divergence), html and require (they reach outside the formula),
// noundefined (an unknown macro is to be an error, so that the source is shown).
const PACKAGES = [
  'base', 'action', 'ams', 'amscd', 'bbox', 'boldsymbol', 'braket', 'bussproofs', 'cancel', 'cases',
  'centernot', 'color', 'colortbl', 'configmacros', 'empheq', 'enclose', 'extpfeil', 'gensymb',
  'mathtools', 'mhchem', 'newcommand', 'tagformat', 'textcomp', 'textmacros', 'unicode', 'upgreek',
  'verb', 'ponder',
];

const adaptor = liteAdaptor();
adaptor.nodeSize = (node) => [textWidth(adaptor.textContent(node)), 0.8];
RegisterHTMLHandler(adaptor);

class Failure extends Error {}

const EM_PX = 16;
const EX = 0.442; // of an em, in this font
const MOST_ITEMS = 20000;
const LEAST_UNITS = 20;
const MOST_UNITS = 400000; // 400 em: \rule can ask for a hundred thousand

// Some packages name a class of tags anew for each TeX, by a number, and MathJax keeps every one with
// the whole TeX that it came from: 0.2 MB a formula. Here only the last TeX's are kept.
const createTags = TagsFactory.create;
const tagClasses = new Map();
TagsFactory.add = (name, made) => { tagClasses.set(name, made); };
TagsFactory.create = (name) => (tagClasses.has(name) ? new (tagClasses.get(name))() : createTags(name));

function freshTeX() {
  tagClasses.clear();
  TagsFactory.setDefault('none');
  // A formula's \def must not reach the next one, so each has a TeX of its own.
  return new TeX({
    packages: PACKAGES,
    textmacros: { packages: ['text-base', 'ponder-text'] },
    tags: 'none',
    maxBuffer: 20 * 1024,
    maxMacros: 2000,
    formatError: (_jax, error) => { throw new Failure(error.message); },
  });
}

const svg = new SVG({
  fontData: MathJaxNewcmFont,
  fontCache: 'none',
  mtextInheritFont: false,
  unknownFamily: 'sans-serif',
  linebreaks: { inline: false },
});

// ------------------------------------------------------------------ matrices: [a b c d e f]

const ONE = [1, 0, 0, 1, 0, 0];

const times = (m, n) => [
  m[0] * n[0] + m[2] * n[1], m[1] * n[0] + m[3] * n[1],
  m[0] * n[2] + m[2] * n[3], m[1] * n[2] + m[3] * n[3],
  m[0] * n[4] + m[2] * n[5] + m[4], m[1] * n[4] + m[3] * n[5] + m[5],
];

const shift = (x, y) => [1, 0, 0, 1, x, y];
const scale = (x, y) => [x, 0, 0, y, 0, 0];
const rounded = (values) => values.map((x) => Math.round(x * 1e4) / 1e4);
const numbers = (text) => (text || '').trim().split(/[\s,]+/).filter(Boolean).map(parseFloat);

function turn(degrees, x = 0, y = 0) {
  const a = (degrees * Math.PI) / 180;
  const around = [Math.cos(a), Math.sin(a), -Math.sin(a), Math.cos(a), 0, 0];
  return times(times(shift(x, y), around), shift(-x, -y));
}

function transform(text) {
  let m = ONE;
  for (const [, name, inner] of (text || '').matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const n = numbers(inner);
    if (name === 'translate') m = times(m, shift(n[0], n[1] || 0));
    else if (name === 'scale') m = times(m, scale(n[0], n.length > 1 ? n[1] : n[0]));
    else if (name === 'matrix') m = times(m, n);
    else if (name === 'rotate') m = times(m, turn(...n));
    else if (name === 'skewX') m = times(m, [1, 0, Math.tan((n[0] * Math.PI) / 180), 1, 0, 0]);
    else throw new Failure(`a transform that cannot be drawn: ${name}`);
  }
  return m;
}

// ------------------------------------------------------------------ the SVG tree, flattened

function styleOf(node) {
  const found = {};
  for (const part of (adaptor.getAttribute(node, 'style') || '').split(';')) {
    const at = part.indexOf(':');
    if (at > 0) found[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return found;
}

function length(text) {
  const value = parseFloat(text);
  if (!(Math.abs(value) < Infinity)) return 0;
  if (/ex$/.test(text)) return value * 1000 * EX;
  if (/em$/.test(text)) return value * 1000;
  return value;
}

// What a painter needs of the state: colours with "current" for the text's own.
function inked(look) {
  const real = (colour) => {
    const name = (colour || 'none').replace(/^["']|["']$/g, '');
    return name === 'currentColor' ? look.current : name;
  };
  const stroked = look.stroke && look.stroke !== 'none' && look.width > 0;
  return [
    real(look.fill), stroked ? real(look.stroke) : 'none', stroked ? look.width : 0,
    look.dash, look.clip,
  ];
}

const SHAPES = {
  rect: ['x', 'y', 'width', 'height', 'rx'],
  line: ['x1', 'y1', 'x2', 'y2'],
  ellipse: ['cx', 'cy', 'rx', 'ry'],
};
const UNSEEN = new Set(['#text', '#comment', 'defs', 'title', 'style']);

class Flattener {
  constructor(widthUnits) {
    this.items = [];
    this.paths = [];
    this.known = new Map();
    this.widthUnits = widthUnits;
  }

  path(steps) {
    const d = absolute(steps);
    if (!this.known.has(d)) {
      this.known.set(d, this.paths.length);
      this.paths.push(d);
    }
    return this.known.get(d);
  }

  add(kind, values, m, look) {
    if (this.items.length > MOST_ITEMS) throw new Failure('the formula is too large');
    this.items.push([kind, values, rounded(m), ...inked(look)]);
  }

  looks(node, outer) {
    const get = (name) => adaptor.getAttribute(node, name);
    const style = styleOf(node);
    const look = { ...outer };
    look.fill = style.fill || get('fill') || look.fill;
    look.stroke = style.stroke || get('stroke') || look.stroke;
    const width = style['stroke-width'] || get('stroke-width');
    if (width) look.width = length(width);
    look.current = style.color || get('color') || look.current;
    if (get('data-frame') || get('data-line')) {
      // These have their look from a style sheet, which nobody loads here.
      look.fill = 'none';
      look.stroke = 'currentColor';
      look.width = 70;
    }
    const face = ['font-family', 'font-weight', 'font-style'].map((name) => style[name] || '').join(' ');
    if (face.trim()) look.face = face;
    const kind = get('class') || '';
    const dashes = style['stroke-dasharray'] || get('stroke-dasharray');
    if (dashes && dashes !== 'none') look.dash = numbers(dashes);
    else if (kind.includes('mjx-dashed')) look.dash = [140, 140];
    else if (kind.includes('mjx-dotted')) look.dash = [1, 140];
    return look;
  }

  visit(node, m, outer) {
    const kind = adaptor.kind(node);
    if (UNSEEN.has(kind)) return;
    const get = (name) => adaptor.getAttribute(node, name);
    const style = styleOf(node);
    if (style.visibility === 'hidden' || style.display === 'none') return;
    const look = this.looks(node, outer);
    m = times(m, transform(get('transform')));
    if (kind === 'path') {
      if (get('d')) this.add('path', [this.path(get('d'))], m, look);
    } else if (SHAPES[kind]) {
      this.add(kind, SHAPES[kind].map((name) => length(get(name))), m, look);
    } else if (kind === 'polygon' || kind === 'polyline') {
      const n = numbers(get('points'));
      let d = '';
      for (let i = 0; i + 1 < n.length; i += 2) d += `${i ? 'L' : 'M'}${n[i]} ${n[i + 1]}`;
      this.add('path', [this.path(kind === 'polygon' ? `${d}Z` : d)], m, look);
    } else if (kind === 'text') this.text(node, m, look);
    else if (kind === 'svg') this.nested(node, m, look);
    else if (kind === 'g' || kind === 'a') this.children(node, m, look);
    else throw new Failure(`cannot draw ${kind}`);
  }

  children(node, m, look) {
    for (const child of adaptor.childNodes(node)) this.visit(child, m, look);
  }

  text(node, m, look) {
    const said = adaptor.textContent(node);
    if (!said.trim()) return;
    const style = styleOf(node);
    const get = (name) => style[name] || adaptor.getAttribute(node, name) || '';
    const variant = `${adaptor.getAttribute(node, 'data-variant') || ''} ${look.face}`;
    const bold = /bold/.test(variant + get('font-weight'));
    const slanted = /italic/.test(variant + get('font-style'));
    const mono = /mono/.test(variant + get('font-family'));
    const size = length(get('font-size')) || 1000;
    const wide = Math.round(textWidth(said) * size);
    this.add('text', [said, size, bold, slanted, mono, wide], m, look);
  }

  // A window on a part of the formula: of a brace that is stretched, or of a numbered display.
  nested(node, m, look) {
    const get = (name) => adaptor.getAttribute(node, name);
    const box = numbers(get('viewBox'));
    if (get('data-table') || get('data-labels')) {
      const at = { xMin: 0, xMid: 0.5, xMax: 1 }[(get('preserveAspectRatio') || '').slice(0, 4)] ?? 0;
      this.children(node, shift(at * (this.widthUnits - box[2]) - box[0], 0), look);
      return;
    }
    m = times(m, shift(length(get('x')), length(get('y'))));
    if (box.length === 4) {
      const [width, height] = [length(get('width')) || box[2], length(get('height')) || box[3]];
      const [x, y] = [box[2] ? width / box[2] : 1, box[3] ? height / box[3] : 1];
      const even = get('preserveAspectRatio') === 'none' ? scale(x, y) : scale(Math.min(x, y), Math.min(x, y));
      look = { ...look, clip: [rounded(m), [0, 0, width, height]] };
      m = times(times(m, even), shift(-box[0], -box[1]));
    }
    this.children(node, m, look);
  }
}

function typeset(tex, display, widthEm) {
  const html = mathjax.document('', { InputJax: freshTeX(), OutputJax: svg });
  const container = html.convert(tex, {
    display, em: EM_PX, ex: EM_PX * EX, containerWidth: widthEm * EM_PX, scale: 1,
  });
  return adaptor.childNodes(container).find((child) => adaptor.kind(child) === 'svg');
}

// \begin{array}{*{99999999}{c}}: written out in one go, which nothing can interrupt.
const MANY_COLUMNS = /\*\s*\{\s*\d{4,}/;

function drawn(tex, display, widthEm) {
  if (MANY_COLUMNS.test(tex)) throw new Failure('the formula is too large');
  const root = typeset(tex, display, widthEm);
  if (!root) throw new Failure('nothing was typeset');
  // A numbered display takes all the width there is: its box is what it needs at least.
  const full = adaptor.getAttribute(root, 'data-mjx-viewBox');
  const [left, top, least, tall] = numbers(full || adaptor.getAttribute(root, 'viewBox'));
  const width = full ? Math.max(least, widthEm * 1000) : least;
  if (Math.max(width, tall) > MOST_UNITS) throw new Failure('the formula is too large');
  const flattener = new Flattener(width);
  const look = { fill: 'currentColor', stroke: 'none', width: 0, current: 'current', dash: null, clip: null, face: '' };
  flattener.children(root, shift(-left, 0), look);
  // A lone backslash, a definition: the source says more than an empty place.
  if (!flattener.items.length && (width < LEAST_UNITS || tex.trim() === '\\')) throw new Failure('there is nothing to see');
  return {
    ok: true, width: width / 1000, height: -top / 1000, depth: (top + tall) / 1000,
    paths: flattener.paths, items: flattener.items,
  };
}

// Take in a part of the font whose code has been run.
globalThis.fontPartIsThere = (name) => {
  const part = MathJaxNewcmFont.dynamicFiles[name];
  part.promise = Promise.resolve();
  part.setup(svg.font);
};

// Return the display list, why there is none, or which part of the font is needed first.
globalThis.displayList = (tex, display, widthEm) => {
  try {
    return JSON.stringify(drawn(tex, display, widthEm));
  } catch (error) {
    if (error instanceof PartNeeded) return JSON.stringify({ need: error.message });
    if (error instanceof Failure || error instanceof RangeError) {
      return JSON.stringify({ ok: false, error: String(error.message) });
    }
    return JSON.stringify({ ok: false, error: `MathJax: ${error.message || error}` });
  }
};
