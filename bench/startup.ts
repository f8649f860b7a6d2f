/**
 * How long a user waits before anything is computed: `npm run bench -- startup [--rounds 9]`. The built command's first
 * line of help, and the import of each entry and of tfjs, which most of them import; each by a process of its own, with
 * the time that Node takes for nothing beside it. Builds the package first. results/startup.csv.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { minutes, runShown } from '../node/native/process';
import { count } from './_options';
import { replaceCsv } from './csv';
import { median, takeTurns } from './measure';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Milliseconds until the process prints something. */
function untilFirstLine(args: readonly string[]): () => Promise<number> {
  return () =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      const child = spawn(process.execPath, args, {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout!.once('data', () => resolve(performance.now() - start));
      child.on('error', reject);
      child.on('close', (status) => reject(new Error(`${args.join(' ')} ended with ${status}`)));
    });
}

const evaluating = (code: string) => untilFirstLine(['--input-type=module', '-e', code]);
const importing = (entry: string) => evaluating(`await import('${entry}'); console.log()`);

const NOTHING = 'node alone';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '9' } } });
  const rounds = count('rounds', values.rounds);
  await runShown('npm', ['run', '--silent', 'build'], 'npm run build', minutes(10));
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => name + entry.slice(1));
  const turns = {
    [NOTHING]: evaluating('console.log()'),
    'spikingformer --help': untilFirstLine(['dist/cli/index.js', '--help']),
    ...Object.fromEntries(
      ['@tensorflow/tfjs', ...entries].map((entry) => [`import ${entry}`, importing(entry)]),
    ),
  };
  const times = await takeTurns(turns, { rounds, warmup: 1 });
  const alone = median(times.get(NOTHING)!);
  const rows = [...times].map(([what, own]) => ({
    what,
    milliseconds: median(own).toFixed(0),
    beyond_node: (median(own) - alone).toFixed(0),
    command: ['npm run bench -- startup', ...args].join(' '),
  }));
  for (const { what, milliseconds, beyond_node } of rows) {
    console.log(
      `${what.padEnd(40)}${milliseconds.padStart(6)} ms${beyond_node.padStart(8)} beyond Node`,
    );
  }
  replaceCsv('results/startup.csv', ['what'], rows);
}
