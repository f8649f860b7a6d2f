/**
 * Mends the types of `export * as name` in dist/. Where a type or class comes from a shared chunk, the
 * bundler of types declares it in the namespace as `declare const name_X: typeof X`, as if X were a
 * plain value: `name.X` is then no type. The import gets that name instead, which is all that X is.
 *
 *   node scripts/mend_namespaces.mjs          after tsup; `npm run build` does
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const IMPORT = /^import \{ (.+) \} from '(\.[^']+)';$/gm;
const VALUE = /^declare const (\S+): typeof ([\w$]+);\n/gm;

/** The text of a file of types with its namespaces whole. */
export function mendNamespaces(text) {
  const imported = new Map();
  for (const [, names, path] of text.matchAll(IMPORT)) {
    for (const name of names.split(', ')) {
      const [exported, local = exported] = name.split(' as ');
      imported.set(local, { exported, path });
    }
  }
  const imports = [];
  const rest = text.replace(VALUE, (line, alias, name) => {
    const from = imported.get(name);
    if (!from) return line;
    imports.push(`import { ${from.exported} as ${alias} } from '${from.path}';\n`);
    return '';
  });
  return imports.join('') + rest;
}

function main() {
  const dist = fileURLToPath(new URL('../dist/', import.meta.url));
  for (const name of readdirSync(dist, { recursive: true })) {
    if (!/\.d\.c?ts$/.test(name)) continue;
    const text = readFileSync(join(dist, name), 'utf8');
    const mended = mendNamespaces(text);
    if (mended !== text) writeFileSync(join(dist, name), mended);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
