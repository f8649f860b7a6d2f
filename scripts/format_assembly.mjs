/**
 * The AssemblyScript of lib/kernels/wasm/assembly in biome's style, as part of `npm run format`; with
 * --check, as part of `npm run lint`, an error for each place that differs. biome knows no decorator before
 * a function, so that it gets copies in which `@inline` is a comment.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './_pack.mjs';

const check = process.argv.includes('--check');
const sources = join(root, 'lib/kernels/wasm/assembly');
const files = readdirSync(sources);
mkdirSync(join(root, '.cache'), { recursive: true });
const copies = mkdtempSync(join(root, '.cache/assembly-'));

/** The project's rules, but for imports' order, and for ===, which compares addresses there. */
function config() {
  const { formatter, javascript, linter } = JSON.parse(
    readFileSync(join(root, 'biome.json'), 'utf8'),
  );
  linter.rules.suspicious.noDoubleEquals = 'off';
  return { assist: { enabled: false }, formatter, javascript, linter };
}

try {
  writeFileSync(join(copies, 'biome.json'), JSON.stringify(config(), null, 2));
  for (const file of files) {
    const text = readFileSync(join(sources, file), 'utf8');
    writeFileSync(join(copies, file), text.replace(/^@inline$/gm, '// @inline'));
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const how = ['check', '--error-on-warnings', ...(check ? [] : ['--write'])];
  const { status } = spawnSync(process.execPath, [biome, ...how, ...files], {
    cwd: copies,
    stdio: 'inherit',
  });
  if (!check) {
    for (const file of files) {
      const text = readFileSync(join(copies, file), 'utf8');
      writeFileSync(join(sources, file), text.replace(/^\/\/ @inline$/gm, '@inline'));
    }
  }
  process.exitCode = status ?? 1;
} finally {
  rmSync(copies, { recursive: true });
}
