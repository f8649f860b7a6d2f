/**
 * `npm run bench -- NAME [arguments]`: runs bench/NAME.ts, whose `run(args)` measures something and
 * adds its rows to results/. Without a name: what there is.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface Bench {
  run(args: string[]): void | Promise<void>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const shared = ['index', 'measure'];
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => !shared.includes(name) && !name.startsWith('_'))
  .sort();

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.log('npm run bench -- NAME [arguments], NAME one of:');
  for (const each of names) console.log(`  ${each}`);
} else if (!names.includes(name)) {
  console.error(`NAME must be one of ${names.join(', ')}, but got '${name}'`);
  process.exitCode = 2;
} else {
  const bench: Bench = await import(pathToFileURL(join(here, `${name}.ts`)).href);
  await bench.run(args);
}
