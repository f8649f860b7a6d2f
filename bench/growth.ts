/**
 * How time and memory of a training step grow with time steps, batch and resolution:
 * `npm run bench -- growth [--axes time_steps --backends tensorflow+native,wasm --peers
 * pytorch-spikingjelly --rounds 3 --threads 2]`, on Spikingformer-4-256. Every point is measured in
 * fresh processes that take turns. results/growth.csv, and a picture of each axis beside it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { logAxis } from '../display/axis';
import { parseCsv } from '../display/csv';
import { lineChart, type Panel } from '../display/line_chart';
import { peerConfig, writeInputs } from './_inputs';
import { backends, isRuntime, peers, type Surroundings, startAll, surroundingsOf } from './_lineup';
import { chosen, count } from './_options';
import { ranInCopy } from './_tensorflow';
import { type Row, replaceCsv } from './csv';
import { median, takeTurns } from './measure';
import { turnOf } from './speed';

const preset = 'spikingformer-4-256-cifar10';

interface Setting {
  timeSteps: number;
  batch: number;
  size: number;
}

interface Axis {
  key: keyof Setting;
  label: string;
  values: number[];
  /** What else holds along it. */
  fixed: Setting;
}

/** The largest of each needs about as much memory as batch 32 with 4 time steps. */
const axes: Record<string, Axis> = {
  time_steps: {
    key: 'timeSteps',
    label: 'time steps',
    values: [1, 2, 4, 8, 16, 32],
    fixed: { timeSteps: 4, batch: 4, size: 32 },
  },
  batch: {
    key: 'batch',
    label: 'images in a batch',
    values: [1, 2, 4, 8, 16, 32],
    fixed: { timeSteps: 4, batch: 4, size: 32 },
  },
  resolution: {
    key: 'size',
    label: 'pixels to a side',
    values: [16, 24, 32, 48, 64],
    fixed: { timeSteps: 4, batch: 4, size: 32 },
  },
};

/** Milliseconds and megabytes of everyone at one point. */
async function measurePoint(
  setting: Setting,
  names: readonly string[],
  rounds: number,
  threads: number,
  surroundings: Surroundings,
) {
  const folder = mkdtempSync(join(tmpdir(), 'spikingformer-bench-'));
  const contenders = await startAll(names, threads, surroundings);
  try {
    const spec = {
      kind: 'model' as const,
      preset,
      timeSteps: setting.timeSteps,
      size: setting.size,
      inputs: join(folder, 'inputs.safetensors'),
      weights: join(folder, 'weights.safetensors'),
      config: peerConfig(preset, setting.timeSteps),
    };
    writeInputs(spec.inputs, spec, setting.batch, setting.size);
    // Fresh weights do: training normalizes by the batch, so that neurons fire.
    await contenders[0]!.ask('weights', { ...spec, passes: 0 });
    for (const contender of contenders) await contender.ask('prepare', spec);
    const turns = contenders.map((contender) => [contender.name, turnOf(contender, 'train_ms')]);
    const times = await takeTurns(Object.fromEntries(turns), { rounds, warmup: 2 });
    const results: { name: string; ms: number; mb: number }[] = [];
    for (const contender of contenders) {
      const { mb } = await contender.ask<{ mb: number }>('peak');
      results.push({ name: contender.name, ms: median(times.get(contender.name)!), mb });
    }
    return results;
  } finally {
    await Promise.all(contenders.map((contender) => contender.end()));
    rmSync(folder, { recursive: true });
  }
}

/** The picture of the rows of one axis. */
export function growthChart(axis: string, rows: readonly Row[]): string {
  const { label, key, fixed } = axes[axis]!;
  const names = [...new Set(rows.map(({ contender }) => String(contender)))];
  const panel = (title: string, yLabel: string, column: string): Panel => {
    const points = (some: readonly Row[]) =>
      some
        .map((row) => [Number(row.value), Number(row[column])] as const)
        .sort(([a], [b]) => a - b);
    const all = points(rows);
    return {
      title,
      x: logAxis(
        all.map(([value]) => value),
        { valuesAsTicks: true },
      ),
      y: logAxis(all.map(([, value]) => value)),
      xLabel: label,
      yLabel,
      series: names.map((name) => ({
        name,
        line: points(rows.filter(({ contender }) => contender === name)),
      })),
    };
  };
  const { timeSteps, batch, size } = fixed;
  const others = {
    timeSteps: `T ${timeSteps}`,
    batch: `batch ${batch}`,
    size: `${size} x ${size}`,
  };
  const rest = Object.entries(others).flatMap(([other, text]) => (other === key ? [] : [text]));
  const chart = lineChart({
    title: `Spikingformer-4-256, one training step, ${rest.join(', ')}`,
    panels: [
      panel('time', 'milliseconds', 'train_ms'),
      panel('peak memory of the process', 'MB', 'peak_mb'),
    ],
  });
  return chart.toString();
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      axes: { type: 'string' },
      backends: { type: 'string', default: 'tensorflow+native,wasm' },
      peers: { type: 'string', default: 'pytorch-spikingjelly' },
      rounds: { type: 'string', default: '3' },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    },
  });
  const wantedAxes = chosen('axes', values.axes, Object.keys(axes));
  const ours = chosen('backends', values.backends, backends);
  const theirs = chosen(
    'peers',
    values.peers,
    peers.filter((name) => !isRuntime(name)),
  );
  const rounds = count('rounds', values.rounds);
  const threads = count('threads', values.threads);
  if (ours.some((name) => name.startsWith('tensorflow')) && (await ranInCopy('growth', args))) {
    return;
  }
  const started = performance.now();
  const surroundings = await surroundingsOf(theirs);
  const names = [...ours, ...theirs];

  const file = 'results/growth.csv';
  for (const axis of wantedAxes) {
    const { key, label, values, fixed } = axes[axis]!;
    for (const value of values) {
      const setting = { ...fixed, [key]: value };
      const results = await measurePoint(setting, names, rounds, threads, surroundings);
      const said = results.map(
        ({ name, ms, mb }) => `${name} ${ms.toFixed(0)} ms ${mb.toFixed(0)} MB`,
      );
      console.log(`${label} ${value}: ${said.join(', ')}`);
      const rows = results.map(({ name, ms, mb }) => ({
        axis,
        value,
        contender: name,
        train_ms: ms.toFixed(1),
        peak_mb: mb.toFixed(0),
        command: `npm run bench -- growth --axes ${axis}`,
      }));
      replaceCsv(file, ['axis', 'value', 'contender'], rows);
    }
    const rows = parseCsv(readFileSync(file, 'utf8')).filter((row) => row.axis === axis);
    writeFileSync(`results/growth_${axis}.svg`, growthChart(axis, rows));
  }
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} minutes in all`);
}
