/**
 * `npm run bench`: this library beside PyTorch, bench/speed.ts. `npm run bench -- NAME [arguments]`: runs
 * bench/NAME.ts, whose `run(args)` measures something else and adds its rows to results/; with --help: what
 * there is.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface Bench {
  run(args: string[]): void | Promise<void>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const shared = ['index', 'measure', 'csv'];
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => !shared.includes(name) && !name.startsWith('_'))
  .sort();

const given = process.argv.slice(2);
// Options alone are for the comparison.
const [name, ...args] =
  given[0] === undefined || given[0].startsWith('-') ? ['speed', ...given] : given;
if (given.includes('--help')) {
  console.log('npm run bench -- NAME [arguments], NAME one of:');
  for (const each of names) console.log(`  ${each}${each === 'speed' ? ' (without a name)' : ''}`);
  console.log('What each takes is said at the top of its file, bench/NAME.ts.');
} else if (!names.includes(name!)) {
  console.error(`NAME must be one of ${names.join(', ')}, but got '${name}'`);
  process.exitCode = 2;
} else {
  const bench: Bench = await import(pathToFileURL(join(here, `${name}.ts`)).href);
  await bench.run(args);
}
