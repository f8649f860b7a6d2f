/** The bench's side of its workers' protocol, with workers of a few lines, and with a real one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { agreement } from '../../bench/_agreement';
import { Contender } from '../../bench/_contender';
import { writeInputs } from '../../bench/_inputs';
import { isPeer, startAll } from '../../bench/_lineup';
import type { Check } from '../../bench/_task';
import { root, temporaryDirectory } from '../support/process';

/** A worker that gives each line it reads to `answer`, which returns what it says. */
const fake = (answer: string, limit?: number) =>
  new Contender(
    'fake',
    {
      command: process.execPath,
      args: [
        '-e',
        `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const { ask, parameters } = JSON.parse(line);
          const say = (text) => process.stdout.write(text + '\\n');
          ${answer}
        })`,
      ],
      env: process.env,
    },
    limit,
  );

test('answers come to who asked, in turn', async () => {
  const contender = fake('say(JSON.stringify({ result: { ask, twice: 2 * parameters.x } }))');
  const answers = await Promise.all([1, 2].map((x) => contender.ask('double', { x })));
  expect(answers).toEqual([
    { ask: 'double', twice: 2 },
    { ask: 'double', twice: 4 },
  ]);
  await contender.end();
});

test('an error is an error; the next question is answered', async () => {
  const contender = fake(
    `say(JSON.stringify(ask === 'bad' ? { error: 'TypeError: no' } : { result: 1 }))`,
  );
  await expect(contender.ask('bad')).rejects.toThrow('fake: TypeError: no');
  expect(await contender.ask('good')).toBe(1);
  await contender.end();
});

test('a worker that hangs is killed; every question fails, and names it', async () => {
  const contender = fake('', 300);
  const late = /^fake, asked to run, did not end within 0\.3 s and was killed$/;
  await Promise.all([
    expect(contender.ask('run')).rejects.toThrow(late),
    expect(contender.ask('check')).rejects.toThrow(late),
  ]);
  await contender.end();
});

test('a worker that dies fails every question, with the last that it said', async () => {
  const contender = fake(
    `console.error('out of memory'); process.exitCode = 3; process.stdin.destroy()`,
  );
  const questions = [contender.ask('run'), contender.ask('run')];
  for (const question of questions) {
    await expect(question).rejects.toThrow(/fake ended \(status 3\):\nout of memory/);
  }
  await expect(contender.ask('run')).rejects.toThrow(/ended/);
  await contender.end();
});

test('a worker that says something else is told of', async () => {
  const contender = fake(`say('hello')`);
  await expect(contender.ask('run')).rejects.toThrow(
    /must answer questions in JSON, but said: hello/,
  );
  await contender.end();
});

test('a worker that cannot be started, or does not end, is no end of the bench', async () => {
  const absent = new Contender('absent', { command: join(root, 'no-such'), args: [] });
  await expect(absent.ask('hello')).rejects.toThrow(/absent cannot be started: .*ENOENT/);
  await absent.end();
  const stubborn = fake('say(JSON.stringify({ result: 1 })); setInterval(() => 0, 1000)');
  await stubborn.ask('hello');
  await stubborn.end(100);
});

test('the peers are PyTorch', () => {
  expect(['pytorch-compile', 'tensorflow+native', 'wasm'].filter(isPeer)).toEqual([
    'pytorch-compile',
  ]);
});

describe('the worker of a backend', () => {
  const directory = temporaryDirectory();
  let worker: Contender | undefined;
  afterEach(() => worker?.end());
  const spec = {
    preset: 'spikingformer-4-256-cifar10',
    timeSteps: 2,
    size: 8,
    inputs: join(directory, 'inputs'),
    weights: join(directory, 'weights'),
  };

  test('prepares a neuron, checks, runs and says its peak', async () => {
    [worker] = await startAll(['cpu'], 1);
    writeInputs(spec.inputs, { kind: 'lif' }, 1, 4);
    expect(await worker!.ask('prepare', { ...spec, kind: 'lif' })).toEqual({ parameters: 0 });
    const check = await worker!.ask<{ forward: number[][]; backward: number[][] }>('check', {
      training: true,
    });
    // [batch][time]: a part of the neurons fires
    for (const rate of check.forward.flat()) expect(rate > 0 && rate < 1).toBe(true);
    expect(check.backward.map((row) => row.length)).toEqual([4]);
    const { ms } = await worker!.ask<{ ms: number }>('run', { metric: 'gradient_ms', calls: 2 });
    expect(ms).toBeGreaterThan(0);
    expect(await worker!.ask('peak')).toEqual({ mb: expect.any(Number) });
  });

  test('writes weights that PyTorch can load, and trains from them', async () => {
    [worker] = await startAll(['wasm'], 1);
    writeInputs(spec.inputs, { kind: 'model' }, 2, 8);
    await worker!.ask('weights', { ...spec, passes: 1 });
    expect(existsSync(spec.weights)).toBe(true);
    expect(await worker!.ask('prepare', { ...spec, kind: 'model' })).toEqual({
      parameters: 4152106,
    });
    const check = await worker!.ask<{ forward: number[][]; backward: number[][] }>('check', {
      training: true,
    });
    expect(check.forward.map((row) => row.length)).toEqual([10, 10]);
    const [before, after] = check.backward[0]!;
    expect(Number.isFinite(after) && after !== before).toBe(true); // one step need not go down
  });

  test('onnxruntime gets the same network and answers the same', async () => {
    [worker] = await startAll(['wasm'], 1);
    writeInputs(spec.inputs, { kind: 'model' }, 2, 8);
    await worker!.ask('weights', { ...spec, passes: 1 });
    const model = { ...spec, kind: 'model' };
    const { parameters } = await worker!.ask<{ parameters: number }>('prepare', model);
    const ours = await worker!.ask<Check>('check', { training: false });
    const [runtime] = await startAll(['onnxruntime-web'], 1);
    try {
      expect(await runtime!.ask('prepare', model)).toEqual({ parameters });
      const theirs = await runtime!.ask<Check>('check', { training: false });
      expect(agreement(ours, theirs)).toMatchObject({ same: true });
      const { ms } = await runtime!.ask<{ ms: number }>('run', { metric: 'eval_ms', calls: 1 });
      expect(ms).toBeGreaterThan(0);
    } finally {
      await runtime!.end();
    }
  });
});
