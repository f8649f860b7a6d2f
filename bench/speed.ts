/**
 * This library beside PyTorch: `npm run bench [-- --cases lif,block --backends wasm --peers
 * pytorch-spikingjelly --rounds 7 --batch 16 --threads 2 --quick]`. Every contender is a process of its
 * own; they get the same weights and inputs, show that they compute the same, and take turns, round
 * after round. A table, and rows of results/speed.csv. Without Python there are no peers; tfjs-node
 * comes by itself, in a copy of the project.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agreement } from './_agreement';
import type { Contender } from './_contender';
import { peerConfig, SIZE, TIME_STEPS, writeInputs } from './_inputs';
import { backends, isPeer, isRuntime, peers, startAll, surroundingsOf } from './_lineup';
import { chosen, count } from './_options';
import type { Check, Metric, TaskSpec } from './_task';
import { ranInCopy } from './_tensorflow';
import { type Row, replaceCsv } from './csv';
import { median, quantile, takeTurns } from './measure';

interface Case {
  kind: TaskSpec['kind'];
  preset: string;
  metrics: Metric[];
  /** Images, whatever --batch is. */
  batch?: number;
}

const small = 'spikingformer-4-256-cifar10';
const part = (kind: Case['kind']): Case => ({
  kind,
  preset: small,
  metrics: ['forward_ms', 'gradient_ms'],
});
const network = (preset: string): Case => ({
  kind: 'model',
  preset,
  metrics: ['train_ms', 'eval_ms'],
});

/** By their names in results/speed.csv. The parts are those of the 4-256 network. */
const cases: Record<string, Case> = {
  lif: part('lif'),
  block: part('block'),
  tokenizer: part('tokenizer'),
  'spikingformer-4-256': network(small),
  'one-image': {
    kind: 'model',
    preset: small,
    metrics: ['eval_ms'],
    batch: 1,
  },
  'spikingformer-4-384': network('spikingformer-4-384-cifar10'),
  'qkformer-4-384': network('qkformer-4-384-cifar10'),
};

/** Milliseconds that a turn should take, so that a clock and a scheduler do not matter. */
const TURN_MS = 500;
/** Who is slower than this a round, after three of them, sits out the rest. */
const PATIENCE_MS = 20_000;

/**
 * onnxruntime evaluates networks. Plain JavaScript takes minutes for a training step: it only does them if it is asked
 * for by name.
 */
const takesPart = (kind: Case['kind'], metric: Metric, name: string, named: boolean) => {
  if (isRuntime(name)) return kind === 'model' && metric === 'eval_ms';
  const light = kind === 'lif' || metric === 'eval_ms' || metric === 'forward_ms';
  return named || name !== 'cpu' || light;
};

/** Compares everyone with the first, aloud; an error where they do not compute the same. */
async function proveEqual(
  contenders: readonly Contender[],
  trains: (contender: Contender) => boolean,
): Promise<void> {
  const checks: Check[] = [];
  for (const contender of contenders) {
    checks.push(await contender.ask<Check>('check', { training: trains(contender) }));
  }
  contenders.slice(1).forEach((contender, i) => {
    const { same, text } = agreement(checks[0]!, checks[i + 1]!);
    console.log(`  ${contender.name} beside ${contenders[0]!.name}: ${text}`);
    if (!same) throw new Error(`${contender.name} does not compute what it should: ${text}`);
  });
}

/** The least that a neuron layer can take: its input, copied once, by one thread. */
const COPY = 'memcpy';

function copying(batch: number): () => number {
  const from = new Float32Array(batch * TIME_STEPS * SIZE * SIZE * 64).fill(1);
  const to = new Float32Array(from.length);
  return () => {
    const start = performance.now();
    for (let copy = 0; copy < 50; copy++) to.set(from);
    return (performance.now() - start) / 50;
  };
}

interface Result {
  /** What each round gave: milliseconds, or one peak. */
  values: number[];
  contender: string;
}

/** A contender's turn: milliseconds of one call, by as many calls as make a turn long enough. */
export function turnOf(contender: Contender, metric: Metric): () => Promise<number> {
  let calls = 1;
  return async () => {
    const { ms } = await contender.ask<{ ms: number }>('run', { metric, calls });
    calls = Math.max(1, Math.min(1000, Math.round(TURN_MS / ms)));
    return ms;
  };
}

async function measureCase(
  metrics: readonly Metric[],
  contendersFor: (metric: Metric) => readonly Contender[],
  rounds: number,
  yardsticks: (metric: Metric) => Record<string, () => number>,
): Promise<Record<string, Result[]>> {
  const results: Record<string, Result[]> = {};
  for (const metric of metrics) {
    const contenders = contendersFor(metric);
    const turns = contenders.map((contender) => [contender.name, turnOf(contender, metric)]);
    const options = { rounds, warmup: 1, patience: PATIENCE_MS };
    const all = { ...Object.fromEntries(turns), ...yardsticks(metric) };
    const times = await takeTurns(all, options);
    results[metric] = [...times].map(([contender, values]) => ({ contender, values }));
    if (metric !== 'train_ms') continue;
    // The processes have done nothing but training steps, and what needs less.
    const peaks = contenders.map(async (contender) => ({
      contender: contender.name,
      values: [(await contender.ask<{ mb: number }>('peak')).mb],
    }));
    results.peak_mb = await Promise.all(peaks);
  }
  return results;
}

/** The ratio of medians, and between which quartiles the ratios of single rounds lie. */
function ratioOf(ours: readonly number[], theirs: readonly number[]) {
  const rounds = ours.slice(0, theirs.length).map((value, i) => value / theirs[i]!);
  return {
    ratio: median(ours) / median(theirs),
    spread: [quantile(rounds, 0.25), quantile(rounds, 0.75)] as const,
  };
}

/** Prints one metric as a table; its rows for results/. */
function report(name: string, metric: string, results: readonly Result[], command: string): Row[] {
  const isOurs = ({ contender }: Result) => !isPeer(contender) && contender !== COPY;
  const present = results.filter((result) => !isOurs(result));
  const digits = (value: number) => value.toFixed(value < 100 ? 2 : 0);
  const cells = (values: string[]) => values.map((value) => value.padStart(26)).join('');
  const heading = present.map(({ contender }) => `to ${contender}`);
  console.log(`\n  ${`${name}, ${metric}`.padEnd(32)}${cells(['median (quartiles)', ...heading])}`);
  for (const { contender, values } of results) {
    const own = `${digits(median(values))} (${digits(quantile(values, 0.25))}..${digits(quantile(values, 0.75))})`;
    const ratios = present.map((peer) => {
      const { ratio, spread } = ratioOf(values, peer.values);
      return `${ratio.toFixed(2)} (${spread.map((end) => end.toFixed(2)).join('..')})`;
    });
    console.log(`  ${contender.padEnd(32)}${cells([own, ...ratios])}`);
  }
  const ours = results.filter(isOurs);
  return ours.flatMap(({ contender, values }) =>
    present.map((peer) => ({
      case: name,
      metric,
      ours: contender,
      ours_median: median(values).toFixed(2),
      peer: peer.contender,
      peer_median: median(peer.values).toFixed(2),
      ratio: ratioOf(values, peer.values).ratio.toFixed(3),
      command,
    })),
  );
}

/** The options that change what a row says, as they were given. */
function settings({ rounds, batch, threads }: Record<string, string | boolean | undefined>) {
  const usual = { rounds: '7', batch: '16', threads: '2' };
  return Object.entries({ rounds, batch, threads }).flatMap(([name, value]) =>
    value === undefined || value === usual[name as keyof typeof usual] ? [] : [`--${name}`, value],
  );
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      cases: { type: 'string' },
      backends: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string' },
      batch: { type: 'string', default: '16' },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      quick: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const quickly = (all: readonly string[], ...left: string[]) =>
    quick ? all.filter((name) => !left.includes(name)) : [...all];
  const caseNames = chosen('cases', values.cases, Object.keys(cases));
  const wantedCases = values.cases
    ? caseNames
    : quickly(caseNames, 'spikingformer-4-384', 'qkformer-4-384');
  const wantedBackends = chosen('backends', values.backends, backends);
  const ours = values.backends ? wantedBackends : quickly(wantedBackends, 'cpu');
  const wantedPeers = chosen('peers', values.peers, peers);
  const theirs = values.peers !== undefined ? wantedPeers : quickly(wantedPeers, ...peers.slice(1));
  const rounds = count('rounds', values.rounds ?? (quick ? '3' : '7'));
  const wantedBatch = count('batch', values.batch);
  const threads = count('threads', values.threads);
  if (ours.some((name) => name.startsWith('tensorflow')) && (await ranInCopy('speed', args)))
    return;

  const started = performance.now();
  const surroundings = await surroundingsOf(theirs);
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, Node ${process.version}`,
  );
  console.log(`${TIME_STEPS} time steps, ${SIZE} x ${SIZE}; medians of ${rounds} rounds`);

  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-bench-'));
  try {
    for (const name of wantedCases) {
      const { kind, preset, metrics, batch = wantedBatch } = cases[name]!;
      console.log(`\n${name}, batch ${batch}`);
      const named = values.backends !== undefined;
      const names = [...ours, ...theirs].filter((each) =>
        metrics.some((metric) => takesPart(kind, metric, each, named)),
      );
      const contenders = await startAll(names, threads, surroundings);
      const first = contenders.find((each) => !isPeer(each.name));
      if (!first) throw new Error('none of the backends that were asked for is here');
      const file = (what: string) => join(folder, `${name}.${what}.safetensors`);
      const spec = {
        kind,
        preset,
        timeSteps: TIME_STEPS,
        size: SIZE,
        inputs: file('inputs'),
        weights: file('weights'),
        config: peerConfig(preset, TIME_STEPS),
      };
      try {
        writeInputs(spec.inputs, spec, batch);
        if (kind !== 'lif') await first.ask('weights', spec);
        const sizes: number[] = [];
        for (const contender of contenders) {
          const { parameters } = await contender.ask<{ parameters: number }>('prepare', spec);
          sizes.push(parameters);
        }
        if (new Set(sizes).size > 1) throw new Error(`${name}: parameters differ: ${sizes}`);
        if (sizes[0]! > 0) console.log(`  ${sizes[0]} parameters`);
        const takers = (metric: Metric) =>
          contenders.filter((each) => takesPart(kind, metric, each.name, named));
        const trains = metrics.find((each) => each === 'train_ms' || each === 'gradient_ms');
        const trainers = trains ? takers(trains) : [];
        await proveEqual(contenders, (contender) => trainers.includes(contender));
        const yardsticks = (metric: Metric): Record<string, () => number> =>
          kind === 'lif' && metric === 'forward_ms' ? { [COPY]: copying(batch) } : {};
        const results = await measureCase(metrics, takers, rounds, yardsticks);
        const command = ['npm run bench -- --cases', name, ...settings(values)].join(' ');
        const rows = Object.entries(results).flatMap(([metric, each]) =>
          report(name, metric, each, command),
        );
        replaceCsv('results/speed.csv', ['case', 'metric', 'ours', 'peer'], rows);
      } finally {
        await Promise.all(contenders.map((contender) => contender.end()));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`\n${((performance.now() - started) / 60_000).toFixed(1)} minutes in all`);
}
