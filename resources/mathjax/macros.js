// What models write from packages that are not here: units, derivatives, quantum mechanics, roots.

import { Configuration } from '@mathjax/src/mjs/input/tex/Configuration.js';
import { CommandMap, MacroMap } from '@mathjax/src/mjs/input/tex/TokenMap.js';
import { MapHandler } from '@mathjax/src/mjs/input/tex/MapHandler.js';
import { ParseUtil } from '@mathjax/src/mjs/input/tex/ParseUtil.js';
import TexError from '@mathjax/src/mjs/input/tex/TexError.js';
import BaseMethods from '@mathjax/src/mjs/input/tex/base/BaseMethods.js';
import { ColorModel } from '@mathjax/src/mjs/input/tex/color/ColorUtil.js';
import { TextMacrosMethods } from '@mathjax/src/mjs/input/tex/textmacros/TextMacrosMethods.js';
import { partTexts } from './script.js';
import { numberTeX, quantityTeX, unitTeX } from './units.js';

const blackboard = (letter) => `\\mathbb{${letter}}`;

const OPERATORS = [
  'tr', 'Tr', 'rank', 'sgn', 'sign', 'diag', 'lcm', 'supp', 'erf', 'erfc', 'Res', 'Var', 'Cov', 'Corr', 'arccot', 'arcsec',
  'arccsc', 'arcsinh', 'arccosh', 'arctanh', 'arsinh', 'arcosh', 'artanh', 'sech', 'csch', 'cosec',
];
const PLAIN = {
  ...Object.fromEntries(OPERATORS.map((name) => [name, `\\operatorname{${name}}`])),
  bm: ['\\boldsymbol{#1}', 1],
  vb: ['\\mathbf{#1}', 1],
  va: ['\\vec{\\mathbf{#1}}', 1],
  vu: ['\\hat{\\mathbf{#1}}', 1],
  grad: '\\nabla',
  curl: '\\nabla\\times',
  laplacian: '\\nabla^2',
  comm: ['\\left[#1,#2\\right]', 2],
  acomm: ['\\left\\{#1,#2\\right\\}', 2],
  ev: ['\\left\\langle #1\\right\\rangle', 1],
  expval: ['\\left\\langle #1\\right\\rangle', 1],
  mel: ['\\left\\langle #1\\middle|#2\\middle|#3\\right\\rangle', 3],
  abs: ['\\left|#1\\right|', 1],
  norm: ['\\left\\|#1\\right\\|', 1],
  eval: ['\\left.#1\\right|', 1],
  argmax: '\\operatorname*{arg\\,max}',
  argmin: '\\operatorname*{arg\\,min}',
  R: blackboard('R'), N: blackboard('N'), Z: blackboard('Z'), Q: blackboard('Q'), C: blackboard('C'),
  mathbbm: ['\\mathbb{#1}', 1],
  mathds: ['\\mathbb{#1}', 1],
  llbracket: '\\mathopen{\\unicode{x27E6}}',
  rrbracket: '\\mathclose{\\unicode{x27E7}}',
  oiint: '\\mathop{∯}\\nolimits',
  oiiint: '\\mathop{∰}\\nolimits',
  varoiint: '\\mathop{∯}\\nolimits',
  lambdabar: '\\unicode{x19B}',
  slashed: ['{\\mathrlap{\\mkern1.5mu/}{#1}}', 1],
  utilde: ['\\underset{\\widetilde{\\hphantom{#1}}}{#1}', 1],
  sout: ['\\enclose{horizontalstrike}{#1}', 1],
  st: ['\\enclose{horizontalstrike}{#1}', 1],
  hcancel: ['\\enclose{horizontalstrike}{#1}', 1],
  textcircled: ['\\enclose{circle}{#1}', 1],
  circled: ['\\enclose{circle}{#1}', 1],
  vv: ['\\overrightarrow{#1}', 1],
  overrightharpoon: ['\\overset{\\rightharpoonup}{#1}', 1],
  vcentcolon: ':',
  medspace: '\\:',
  hdots: '\\ldots',
  ensuremath: ['{#1}', 1],
  textsuperscript: ['^{\\text{#1}}', 1],
  textsubscript: ['_{\\text{#1}}', 1],
  intertext: ['\\text{#1}\\\\', 1],
  shortintertext: ['\\text{#1}\\\\', 1],
  raisebox: ['\\raise #1{\\text{#2}}', 2],
  href: ['{#2}', 2],
  url: ['\\texttt{#1}', 1],
  copyright: '\\unicode{xA9}',
  pounds: '\\unicode{xA3}',
  euro: '\\unicode{x20AC}',
  // What is required is here, or is not to be had.
  require: ['', 1],
};

const insert = (parser, tex) => {
  parser.string = ParseUtil.addArgs(parser, tex, parser.string.slice(parser.i));
  parser.i = 0;
  ParseUtil.checkMaxMacros(parser);
};
const next = (parser) => parser.GetNext();

// ------------------------------------------------------------------ derivatives

// \dv[n]{f}{x}, \dv{x}; \pdv[n]{f}{x}, \pdv{f}{x}{y}: as the package "physics" has them.
function derivative(parser, name, d) {
  const order = parser.GetBrackets(name) ?? '';
  const first = parser.GetArgument(name);
  const by = [];
  while (by.length < (d === '\\partial' ? 2 : 1) && next(parser) === '{') by.push(parser.GetArgument(name));
  const raised = order && `^{${order}}`;
  if (!by.length) insert(parser, `\\frac{${d}${raised}}{${d} {${first}}${raised}}`);
  else if (by.length === 1) insert(parser, `\\frac{${d}${raised} {${first}}}{${d} {${by[0]}}${raised}}`);
  else insert(parser, `\\frac{${d}^2 {${first}}}{${d} {${by[0]}}\\,${d} {${by[1]}}}`);
}

// A rule has the colour of the text, which MathJax takes for black.
function rule(parser, name) {
  const { env } = parser.stack;
  const { color } = env;
  env.color = color || 'currentColor';
  BaseMethods.rule(parser, name);
  env.color = color;
}

// A ground that ends where the letters do cuts them off: two pixels around them are the least.
function box(parser, name) {
  const said = parser.GetBrackets(name, '');
  const room = /(^|,)\s*[\d.]+\s*(px|pt|em|ex|mu|cm|mm|in|pc)\s*(,|$)/.test(said) ? '' : ',2px';
  parser.string = `[${said}${said && room}]${parser.string.slice(parser.i)}`;
  parser.i = 0;
  MapHandler.getMap('bbox').lookup('bbox').func(parser, name);
}

// \hspace*{…} keeps its space at the end of a line; here all do.
function space(parser, name) {
  if (next(parser) === '*') parser.i += 1;
  BaseMethods.Hskip(parser, name);
}

function differential(parser, name) {
  const power = parser.GetBrackets(name);
  insert(parser, `\\mathop{}\\!\\mathrm{d}${power ? `^{${power}}` : ''}`);
}

// ------------------------------------------------------------------ quantities

function quantity(parser, name) {
  parser.GetBrackets(name);
  if ('([|'.includes(next(parser)) && parser.i < parser.string.length) {
    // The package "physics" has another \qty: brackets as tall as what is in them.
    insert(parser, '\\ponderbrackets');
    return;
  }
  const number = parser.GetArgument(name);
  parser.GetBrackets(name);
  insert(parser, quantityTeX(number, parser.GetArgument(name)));
}

function range(parser, name) {
  parser.GetBrackets(name);
  const [from, to] = [parser.GetArgument(name), parser.GetArgument(name)];
  if (name === '\\numrange') insert(parser, `${numberTeX(from)}\\text{–}${numberTeX(to)}`);
  else insert(parser, `${numberTeX(from)}\\text{–}${quantityTeX(to, parser.GetArgument(name))}`);
}

function brackets(parser) {
  const text = parser.string.slice(parser.i);
  const [open, close] = { '(': '()', '[': '[]', '|': '||' }[text[0]];
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === open && (open !== close || at === 0)) depth += 1;
    else if (text[at] === close) depth -= 1;
    if (depth === 0) {
      parser.i += at + 1;
      insert(parser, `\\left${open}${text.slice(1, at)}\\right${close}`);
      return;
    }
  }
  throw new TexError('MissingClose', 'Missing close bracket for %1', '\\qty');
}

// ------------------------------------------------------------------ √ as it is meant

const ROOTS = { '√': '', '∛': '3', '∜': '4' };

// √2, √{ab}, √(x+1), √x: the sign alone would be a hook that hangs below the line.
function root(parser, sign) {
  const rest = parser.string.slice(parser.i);
  const degree = ROOTS[sign] && `[${ROOTS[sign]}]`;
  const digits = /^\s*\d+([.,]\d+)?/.exec(rest);
  const bracket = /^\s*\(/.exec(rest);
  if (digits) {
    parser.i += digits[0].length;
    insert(parser, `\\sqrt${degree}{${digits[0].trim()}}`);
  } else if (bracket && closing(rest)) {
    const end = closing(rest);
    parser.i += end;
    insert(parser, `\\sqrt${degree}{${rest.slice(0, end).trim()}}`);
  } else if (/^\s*(\{|[A-Za-zα-ωΑ-Ω]|\\[A-Za-z]+)/.test(rest) && !/^\s*\\(right|end|quad|,)/.test(rest)) {
    insert(parser, `\\sqrt${degree}`);
  } else insert(parser, `\\sqrt${degree}{\\vphantom{x}}`);
}

function closing(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')' && (depth -= 1) === 0) return at + 1;
    else if (depth === 0 && text[at].trim()) return 0;
  }
  return 0;
}

// In \text, too, where the sign and what follows it at once are a formula.
function rootInText(parser, sign) {
  const under = /^(\d+([.,]\d+)?|[A-Za-z])?/.exec(parser.string.slice(parser.i))[0];
  parser.i += under.length;
  const degree = ROOTS[sign] && `[${ROOTS[sign]}]`;
  insert(parser, `$\\sqrt${degree}{${under || '\\vphantom{x}'}}$`);
}

// ------------------------------------------------------------------ x², aᵢ₊₁ as they are meant

const [HIGH, HIGH_AS] = ['⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ', '0123456789+-=()ni'];
const [LOW, LOW_AS] = ['₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₓ', '0123456789+-=()aeijknx'];

// A small figure of its own would be no exponent, and a + behind it no operation.
function small(parser, first) {
  insert(parser, smallTeX(parser, first));
}
function smallInText(parser, first) {
  insert(parser, `$${smallTeX(parser, first)}$`);
}
function smallTeX(parser, first) {
  const [from, to, mark] = HIGH.includes(first) ? [HIGH, HIGH_AS, '^'] : [LOW, LOW_AS, '_'];
  let said = '';
  for (let at = parser.i - 1; from.includes(parser.string[at] || ' '); at += 1) {
    said += to[from.indexOf(parser.string[at])];
    parser.i = at + 1;
  }
  return `${mark}{${said}}`;
}

// ½, ⅔: the font's own are of different sizes.
const FRACTIONS = '¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞';
function fraction(parser, sign) {
  const [above, below] = sign.normalize('NFKD').split('\u2044');
  insert(parser, `\\tfrac{${above}}{${below}}`);
}

const smalls = (how) => Object.fromEntries([...HIGH, ...LOW].map((char) => [char, how]));
const roots = (how) => Object.fromEntries(Object.keys(ROOTS).map((sign) => [sign, how]));
const fractions = Object.fromEntries([...FRACTIONS].map((char) => [char, fraction]));
// As signs they would have their limits beside them.
const BIG = {
  '∑': 'sum', '∏': 'prod', '∐': 'coprod', '⋃': 'bigcup', '⋂': 'bigcap', '⋁': 'bigvee', '⋀': 'bigwedge',
  '⨁': 'bigoplus', '⨂': 'bigotimes', '⨆': 'bigsqcup',
};
const big = Object.fromEntries(Object.entries(BIG).map(([sign, name]) => [
  sign, (parser) => insert(parser, `\\${name} `),
]));
new MacroMap('ponder-signs', { ...roots(root), ...smalls(small), ...fractions, ...big });
new MacroMap('ponder-text-signs', { ...roots(rootInText), ...smalls(smallInText) });

new CommandMap('ponder-macros', {
  ...Object.fromEntries(Object.entries(PLAIN).map(([name, tex]) => [name, [BaseMethods.Macro].concat(tex)])),
  dv: [derivative, '\\mathrm{d}'],
  odv: [derivative, '\\mathrm{d}'],
  pdv: [derivative, '\\partial'],
  dd: differential,
  bbox: box,
  hspace: space,
  rule,
  SI: quantity,
  qty: quantity,
  ponderbrackets: brackets,
  si: (parser, name) => { parser.GetBrackets(name); insert(parser, unitTeX(parser.GetArgument(name))); },
  unit: (parser, name) => { parser.GetBrackets(name); insert(parser, unitTeX(parser.GetArgument(name))); },
  num: (parser, name) => { parser.GetBrackets(name); insert(parser, numberTeX(parser.GetArgument(name))); },
  ang: (parser, name) => {
    const marks = ['^{\\circ}', "'", "''"];
    const parts = parser.GetArgument(name).split(';').slice(0, 3);
    insert(parser, parts.map((part, at) => part.trim() && `{${numberTeX(part)}}${marks[at]}`).join(''));
  },
  SIrange: range,
  qtyrange: range,
  numrange: range,
});

// Within \text, too: models write \colorbox{red}{\text{…}} and \text{\text{…}}.
const text = [TextMacrosMethods.Macro, '{#1}', 1];
new CommandMap('ponder-text', {
  text,
  mbox: text,
  hbox: text,
  textnormal: [TextMacrosMethods.Macro, '{\\rm #1}', 1],
  textsuperscript: [TextMacrosMethods.Macro, '$^{\\text{#1}}$', 1],
  textsubscript: [TextMacrosMethods.Macro, '$_{\\text{#1}}$', 1],
  ensuremath: [TextMacrosMethods.Macro, '$#1$', 1],
});
Configuration.create('ponder-text', { parser: 'text', priority: 2, handler: { macro: ['ponder-text'], character: ['ponder-text-signs'] } });

Configuration.create('ponder', {
  handler: {
    macro: ['ponder-macros'],
    character: ['ponder-signs', 'ponder-script'],
  },
  postprocessors: [[partTexts, -6.5]],
});

// \textcolor[HTML]{2E86C1}: the one colour model of LaTeX's that MathJax leaves out.
const normalized = ColorModel.prototype.normalizeColor;
ColorModel.prototype.normalizeColor = function normalizeColor(model, value) {
  if (model !== 'HTML') return normalized.call(this, model, value);
  if (/^\s*[0-9a-fA-F]{6}\s*$/.test(value)) return `#${value.trim()}`;
  throw new TexError('BadColorValue', 'Invalid color value');
};
