/**
 * What a training step and an evaluation of every family cost: `npm run bench -- families [--backends tensorflow,wasm
 * --families qkformer,sglformer --batch 16 --rounds 3]`. Networks of about the size of 4-384 for CIFAR-10, of 4 time
 * steps. Each takes turns with Spikingformer, which its ratios are to. results/families.csv.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations } from '../analysis/operations';
import { useBackend } from '../cli/shared/choose_backend';
import { nativeOpsInUse } from '../lib/kernels/tensorflow';
import { hasTfjsNode } from './_lineup';
import { chosen, count } from './_options';
import { settle } from './_settle';
import { training } from './_task';
import { ranInCopy } from './_tensorflow';
import { type Row, replaceCsv } from './csv';
import { measure } from './measure';

interface Network {
  preset: string;
  /** What differs from the preset. */
  changes?: Partial<spiking.models.ModelConfig>;
  /** How the results name it. Default: by its preset. */
  label?: string;
}

/** By family. SpikeBERT's are for longer texts: this one has the size of the others, and as many tokens. */
export const networks: Record<string, Network> = {
  spikingformer: { preset: 'spikingformer-4-384-cifar10' },
  spikformer: { preset: 'spikformer-4-384-cifar10' },
  qkformer: { preset: 'qkformer-4-384-cifar10' },
  maxformer: { preset: 'maxformer-4-384-cifar10' },
  msqkformer: { preset: 'msqkformer-4-384-cifar10' },
  maxresnet: { preset: 'maxresnet-18-cifar10' },
  sglformer: { preset: 'sglformer-4-384-cifar10' },
  sdt: { preset: 'sdt-2-512-cifar10' },
  spikebert: {
    preset: 'spikebert-12-768',
    changes: { depth: 4, embedDim: 384, inputShape: [64] },
    label: 'spikebert-4-384, 64 tokens',
  },
};

const REFERENCE = 'spikingformer';
const BACKENDS = ['tensorflow', 'wasm'];
/** Batches of 4 that give batch norms their statistics. */
const PASSES = 20;

interface Contestant {
  label: string;
  parameters: number;
  /** Dense multiply-accumulates of a sample, in millions. */
  operations: number;
  train(): void;
  evaluate(): void;
  dispose(): void;
}

/** Images, or words where the network reads those. */
function batchFor(model: tf.LayersModel, size: number, seed: number): tf.Tensor {
  const [{ shape, dtype }] = model.inputs as [tf.SymbolicTensor];
  const sizes = [size, ...(shape.slice(1) as number[])];
  return dtype === 'int32'
    ? tf.randomUniform(sizes, 0, 1000, dtype, seed)
    : tf.randomUniform(sizes, -2, 2, 'float32', seed);
}

function contestant({ preset, changes, label = preset }: Network, batch: number): Contestant {
  const model = spiking.models.create(preset, changes);
  settle(model, (pass) => batchFor(model, 4, pass), PASSES);
  const x = batchFor(model, batch, PASSES);
  const classes = model.outputs[0]!.shape.at(-1)!;
  const y = tf.oneHot(
    Array.from({ length: batch }, (_, i) => i % classes),
    classes,
  );
  const { layers } = countOperations(model);
  const trainer = training(model, x, y);
  return {
    label,
    parameters: spiking.models.countParameters(model).parameters,
    operations: layers.reduce((sum, { operations }) => sum + operations, 0) / 1e6,
    train: () => void trainer.step(),
    evaluate: () => tf.tidy(() => void (model.apply(x) as tf.Tensor).dataSync()),
    dispose() {
      trainer.dispose();
      model.dispose();
      tf.dispose([x, y]);
    },
  };
}

/** One family's row, each in turns with the reference. */
async function* compare(families: readonly string[], batch: number, rounds: number) {
  const reference = contestant(networks[REFERENCE]!, batch);
  const turns = async (family: string, network: Contestant, key: 'train' | 'evaluate') => {
    const candidates = { [REFERENCE]: reference[key], [family]: network[key] };
    return (await measure(candidates, { rounds, warmup: 1 })).at(-1)!;
  };
  for (const family of families) {
    const network = family === REFERENCE ? reference : contestant(networks[family]!, batch);
    const train = await turns(family, network, 'train');
    const evaluate = await turns(family, network, 'evaluate');
    yield {
      family,
      network: network.label,
      parameters: network.parameters,
      dense_mops: network.operations.toFixed(1),
      train_ms: train.median.toFixed(1),
      train_ratio: train.ratio.toFixed(3),
      // The ratio, for as many dense operations.
      per_operation: (train.ratio * (reference.operations / network.operations)).toFixed(3),
      eval_ms: evaluate.median.toFixed(1),
      eval_ratio: evaluate.ratio.toFixed(3),
    };
    if (network !== reference) network.dispose();
  }
  reference.dispose();
}

/** Family and network, then numbers. */
const lineOf = (cells: readonly (string | number)[]) =>
  cells.map((cell, i) => (i < 2 ? `${cell}`.padEnd(28) : `${cell}`.padStart(14))).join('');

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      backends: { type: 'string' },
      families: { type: 'string' },
      batch: { type: 'string', default: '16' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const backends = chosen('backends', values.backends, BACKENDS);
  const families = chosen('families', values.families, Object.keys(networks));
  const [batch, rounds] = [count('batch', values.batch), count('rounds', values.rounds)];
  if (backends.includes('tensorflow') && (await ranInCopy('families', args))) return;

  const command = ['npm run bench -- families', ...args].join(' ');
  for (const backend of backends) {
    if (backend === 'tensorflow' && !hasTfjsNode()) continue;
    await useBackend(backend);
    const native = backend === 'tensorflow' && typeof nativeOpsInUse() !== 'string';
    const name = native ? 'tensorflow+native' : backend;
    console.log(`\n${name}, batch ${batch}, medians of ${rounds} rounds, ratios to ${REFERENCE}`);
    const rows: Row[] = [];
    for await (const row of compare(families, batch, rounds)) {
      if (rows.length === 0) console.log(lineOf(Object.keys(row)));
      console.log(lineOf(Object.values(row)));
      rows.push({ backend: name, ...row, batch, command });
    }
    replaceCsv('results/families.csv', ['backend', 'family', 'batch'], rows);
  }
}
