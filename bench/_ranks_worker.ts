/** One process of bench/ranks.ts: trains a network by the Trainer and prints, as the first, what a step took. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { MpiRanks } from '../node/mpi/ranks';
import '../node/tfjs_node_shim';
import { AdamW } from '../training/adamw';
import { cosineSchedule } from '../training/cosine_schedule';
import type { Ranks } from '../training/ranks';
import { seededWeights } from '../training/seeded_weights';
import { Trainer } from '../training/trainer';
import type { TrainingBatch, TrainingData } from '../training/training_data';

/** What it prints: medians of a step, and of its part in sums over the processes. */
export interface RanksReport {
  milliseconds: number;
  communication: number;
  bytes: number;
}

const [backend, name, batchSize, steps] = process.argv.slice(2);
if (backend === 'tensorflow') {
  await import('@tensorflow/tfjs-node' as string);
  await import('../node/native/ops');
} else {
  await import('../node/wasm_backend');
}
await tf.setBackend(backend!);

const ranks = await MpiRanks.join();
let communication = 0;
let bytes = 0;
const timed: Ranks = {
  rank: ranks.rank,
  size: ranks.size,
  async sum(array) {
    const began = performance.now();
    await ranks.sum(array);
    communication += performance.now() - began;
    bytes += array.byteLength;
  },
  sumNow: (array) => ranks.sumNow(array),
  gather: (value) => ranks.gather(value),
  broadcast: (array) => ranks.broadcast(array),
  barrier: () => ranks.barrier(),
};

const model = seededWeights(1, () => spiking.models.create(name!));
const size = Number(batchSize);
const input = model.inputs[0]!.shape.slice(1) as number[];
const classes = model.outputs[0]!.shape[1]!;
const length = input.reduce((a, b) => a * b, size);
const batch: TrainingBatch = {
  data: Float32Array.from({ length }, (_, i) => Math.sin(i * (ranks.rank + 1))),
  shape: [size, ...input],
  labels: Int32Array.from({ length: size }, (_, i) => i % classes),
  targets: Float32Array.from({ length: size * classes }, (_, i) =>
    i % classes === Math.floor(i / classes) % classes ? 1 : 0,
  ),
};
const train: TrainingData = {
  classNames: Array.from({ length: classes }, (_, i) => `${i}`),
  batchesPerEpoch: Number(steps) * ranks.size,
  batchSize: size,
  async *batches() {
    for (;;) yield batch;
  },
};

const times: { step: number; sums: number; bytes: number }[] = [];
let began = performance.now();
const trainer = new Trainer({
  ...{ model, train, ranks: timed, epochs: 1 },
  optimizer: new AdamW({ learningRate: 1e-4 }),
  schedule: cosineSchedule({ learningRate: 1e-4, epochs: 1 }),
  observers: [
    {
      onStep() {
        times.push({ step: performance.now() - began, sums: communication, bytes });
        [began, communication, bytes] = [performance.now(), 0, 0];
      },
    },
  ],
});
for await (const _ of trainer.run());
const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
if (ranks.rank === 0) {
  const measured = times.slice(1); // the first is a warm-up
  const report: RanksReport = {
    milliseconds: median(measured.map(({ step }) => step)),
    communication: median(measured.map(({ sums }) => sums)),
    bytes: median(measured.map((each) => each.bytes)),
  };
  console.log(JSON.stringify(report));
}
await ranks.leave();
