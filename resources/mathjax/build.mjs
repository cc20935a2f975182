// Bundle entry.js and MathJax into one file, dist/mathjax.js, and behind it every part of its font.
//
// MathJax fetches the parts of its font when a formula has one of their letters. All of them are
// four fifths of the bundle and most formulas need one or two: each is bundled for itself, after a
// line that names it, and whoever runs the bundle gives MathJax a part when it says that it needs it.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const font = '@mathjax/mathjax-newcm-font/mjs/svg/dynamic';
const folder = join(here, 'node_modules', font);
const PART = '\n//# part ';

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import'],
  target: 'es2022',
  logLevel: 'warning',
};

// A part adds its letters to the font that is there, which entry.js leaves where it can be found.
const theFont = {
  name: 'the-font',
  setup(made) {
    made.onResolve({ filter: /\/svg\.js$/ }, () => ({ path: 'font', namespace: 'the-font' }));
    made.onLoad({ filter: /.*/, namespace: 'the-font' }, () => ({
      contents: 'export const MathJaxNewcmFont = globalThis.fontOfFormulas;',
    }));
  },
};

const whole = await build({ ...common, entryPoints: ['entry.js'], legalComments: 'eof' });
const names = readdirSync(folder).filter((name) => name.endsWith('.js')).sort();
const parts = await build({
  ...common,
  entryPoints: names.map((name) => join(folder, name)),
  outdir: 'parts',
  legalComments: 'none',
  plugins: [theFont],
});
const said = [whole.outputFiles[0].text];
names.forEach((name, at) => {
  said.push(`${name.slice(0, -'.js'.length)}\n${parts.outputFiles[at].text}`);
});
mkdirSync(join(here, 'dist'), { recursive: true });
writeFileSync(join(here, 'dist', 'mathjax.js'), said.join(PART));
