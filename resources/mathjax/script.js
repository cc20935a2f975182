// Writing that MathJax's font has no letters for, or only loose ones: it is left to the system.
//
// A run of it is one text with the width that is likely, so that letters join, marks combine and
// what is written from the right stands as it should. The painter knows the real face, and fits the
// run into the width that was kept for it.

import { RegExpMap } from '@mathjax/src/mjs/input/tex/TokenMap.js';
import { SvgMtext } from '@mathjax/src/mjs/output/svg/Wrappers/mtext.js';

const RIGHT_TO_LEFT = '\\u0590-\\u08FF\\uFB1D-\\uFDFF\\uFE70-\\uFEFC';
const COMPLEX = '\\u0900-\\u1AFF\\u1B00-\\u1CFF\\uA840-\\uABFF'; // India to Mongolia, and Bali
const WIDE = '\\u1100-\\u115F\\u2E80-\\u2FDF\\u3001-\\uA4CF\\uA960-\\uA97F\\uAC00-\\uD7FF\\uF900-\\uFAFF'
  + '\\uFE30-\\uFE6B\\uFF01-\\uFF60\\uFFE0-\\uFFE6\\u{1B000}-\\u{1B2FF}\\u{20000}-\\u{3FFFD}';
const PICTURE = '\\p{Emoji_Presentation}\\u{1F000}-\\u{1FAFF}\\u2705\\u2713\\u2714\\u2717\\u2718\\u274C\\u26A0';
const JOINT = '\\uFE0E\\uFE0F\\u200C\\u200D\\u20E3\\p{M}';
const OWN = `[${RIGHT_TO_LEFT}${COMPLEX}${WIDE}${PICTURE}]`;

const BEGINS = new RegExp(`^${OWN}`, 'u');
const RUN = new RegExp(`${OWN}(?:[ \\u00A0]*[${RIGHT_TO_LEFT}${COMPLEX}${WIDE}${PICTURE}${JOINT}])*`, 'gu');
const BACKWARDS = new RegExp(`[${RIGHT_TO_LEFT}]`, 'u');

// Of what each is wide, in em: measured as the mean of what the usual faces have.
const WIDTHS = [
  [/[\uFE00-\uFE0F\u200B-\u200F\u202A-\u202E\u2060-\u2069\u20E3]/u, 0],
  [/\p{Mn}|\p{Me}/u, 0],
  [/[\u{1F3FB}-\u{1F3FF}]/u, 0],
  [/[\u{1F1E6}-\u{1F1FF}]/u, 0.63],
  [/\p{Mc}/u, 0.28],
  [new RegExp(`[${WIDE}]`, 'u'), 1],
  [new RegExp(`[${PICTURE}]`, 'u'), 1.25],
  [/[\u0600-\u08FF\uFB50-\uFDFF\uFE70-\uFEFC]/u, 0.48],
  [/[\u0590-\u05FF]/u, 0.56],
  [/[\u0B80-\u0BFF\u0C80-\u0D7F]/u, 0.82],
  [/[\u0E00-\u0EFF]/u, 0.53],
  [/[\u0900-\u1AFF]/u, 0.62],
  [/[ \u00A0]/u, 0.27],
  [/[\p{Lu}MWmw]/u, 0.68],
  [/[ijlIftr.,:;'!|()]/u, 0.34],
];

/** Return about how wide a text is in the system's face, in em. */
export function textWidth(text) {
  let width = 0;
  let share = 1;
  for (const char of text) {
    width += share * (WIDTHS.find(([kind]) => kind.test(char)) ?? [null, 0.56])[1];
    // What follows a joiner of pictures is in the same picture; behind a virama is half a letter.
    if (char === '\u200D' && /\p{Extended_Pictographic}/u.test(text)) share = 0;
    else share = /[\u094D\u09CD\u0A4D\u0ACD\u0B4D\u0C4D\u0CCD]/.test(char) ? 0.4 : 1;
  }
  return width;
}

// Outside of \text, a run of such writing is one, too: each letter for itself would not join.
new RegExpMap('ponder-script', (parser, first) => {
  RUN.lastIndex = parser.i - first.length;
  const run = RUN.exec(parser.string);
  const text = run && run.index === parser.i - first.length ? run[0] : first;
  parser.i += text.length - first.length;
  parser.Push(parser.create('token', 'mtext', {}, text));
}, BEGINS);

/** Part the texts of a formula, so that such writing stands alone in its own. A filter of MathJax's. */
export function partTexts({ data }) {
  const { factory } = data.root;
  const found = [];
  data.root.walkTree((node) => { if (node.isKind('mtext')) found.push(node); });
  for (const node of found) {
    const text = node.getText();
    if (text.search(RUN) < 0) continue;
    const parts = BACKWARDS.test(text) ? [[text, true]] : parted(text);
    const made = parts.map(([part, own]) => {
      const child = factory.create('mtext', { ...node.attributes.getAllAttributes() }, [
        factory.create('text').setText(part),
      ]);
      if (own) child.setProperty('own', true);
      return child;
    });
    const whole = made.length === 1 ? made[0] : factory.create('mrow', {}, made);
    node.parent.replaceChild(whole, node);
  }
}

function parted(text) {
  const parts = [];
  let at = 0;
  RUN.lastIndex = 0;
  for (const run of text.matchAll(RUN)) {
    if (run.index > at) parts.push([text.slice(at, run.index), false]);
    parts.push([run[0], true]);
    at = run.index + run[0].length;
  }
  if (at < text.length) parts.push([text.slice(at), false]);
  return parts;
}

const variantOf = SvgMtext.prototype.getVariant;
SvgMtext.prototype.getVariant = function getVariant() {
  if (!this.node.getProperty('own')) return variantOf.call(this);
  const variant = String(this.node.attributes.get('mathvariant') || '');
  this.variant = this.explicitVariant(
    /monospace/.test(variant) ? 'monospace' : 'sans-serif',
    /bold/.test(variant) ? 'bold' : '',
    /italic/.test(variant) ? 'italic' : '',
  );
  return undefined;
};
