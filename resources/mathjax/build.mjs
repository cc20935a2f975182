// Bundle entry.js, MathJax and every part of its font into one file: dist/mathjax.js.
//
// The parts of the font that MathJax would fetch when they are needed are listed here, from what
// npm installed, and imported like all the rest.

import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const font = '@mathjax/mathjax-newcm-font/mjs/svg/dynamic';
const parts = readdirSync(join(here, 'node_modules', font)).filter((name) => name.endsWith('.js'));
parts.sort();
writeFileSync(join(here, 'fonts.generated.js'), parts.map((name) => `import '${font}/${name}';\n`).join(''));

await build({
  absWorkingDir: here,
  entryPoints: ['entry.js'],
  outfile: 'dist/mathjax.js',
  bundle: true,
  minify: true,
  format: 'iife',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  conditions: ['import'],
  target: 'es2022',
  legalComments: 'eof',
  logLevel: 'warning',
});
