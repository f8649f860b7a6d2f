/**
 * An esbuild plugin that leaves families of networks out, for a page that needs one of them: their lines in
 * the indexes of layers and models and in the table of families are taken away, so that only what the
 * others use comes with them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './_pack.mjs';

const read = (path) => readFileSync(join(root, path), 'utf8');
const matches = (text, pattern) => Array.from(text.matchAll(pattern), ([, name]) => name);

/** Of each folder of layers that is a family's: its files of models, one or, as SpikeCLIP has towers, more. */
function foldersOfFamilies() {
  const folders = new Map();
  for (const file of matches(
    read('models/families.ts'),
    /^import \{ \w+Family \} from '\.\/(\w+)';$/gm,
  )) {
    const used = matches(read(`models/${file}.ts`), / from '\.\.\/layers\/(\w+)';$/gm);
    const folder = used.find((name) => existsSync(join(root, `layers/${name}/index.ts`)));
    if (!folder)
      throw new Error(`models/${file}.ts must use its folder of layers, but uses ${used}`);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}

const families = foldersOfFamilies();

/** The names of the families' files, which are those of their folders of layers. */
export const familyFiles = [...families.keys()];

/** Takes the statements that import from those files, and the names that they import, out of an index. */
function without(text, files) {
  const from = `'\\./(?:${files.join('|')})'`;
  const names = matches(text, new RegExp(`^import \\{ (\\w+) \\} from ${from};$`, 'gm'));
  return text
    .replace(new RegExp(`^(?:import|export) [^;]* from ${from};\\n`, 'gm'), '')
    .replace(new RegExp(`^ +(?:${names.join('|') || '$^'}),.*\\n`, 'gm'), '');
}

/** @param kept a name of `familyFiles` */
export function onlyFamily(kept) {
  const others = [...families].filter(([folder]) => folder !== kept);
  const absent = {
    layers: others.map(([folder]) => folder),
    models: others.flatMap(([, files]) => files),
  };
  return {
    name: 'only-family',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/](layers[\\/]index|models[\\/](index|families))\.ts$/ }, ({ path }) => {
        const room = /[\\/]layers[\\/]index/.test(path) ? 'layers' : 'models';
        return { contents: without(readFileSync(path, 'utf8'), absent[room]), loader: 'ts' };
      });
    },
  };
}
