/** A teacher of stock tf.layers for CIFAR-10: three convolutions, a mean over pixels, a head. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../cli/shared/choose_backend';
import { textObserver } from '../cli/shared/training_progress';
import { cifar10, csvObserver, fileHandler } from '../node/index';
import { parseRecipe, seededWeights, Trainer, trainerConfigFromRecipe } from '../training/index';

/** `[32, 32, 3]` -> 10 logits. Its layer 'pool' gives 128 features. */
function network(): tf.LayersModel {
  const convolution = (i: number, filters: number) =>
    tf.layers.conv2d({
      name: `conv${i}`,
      filters,
      kernelSize: 3,
      padding: 'same',
      activation: 'relu',
      kernelInitializer: 'heNormal',
      ...(i === 1 && { inputShape: [32, 32, 3] }),
    });
  const halve = (i: number) => tf.layers.maxPooling2d({ name: `halve${i}`, poolSize: 2 });
  return tf.sequential({
    layers: [
      ...[convolution(1, 32), halve(1), convolution(2, 64), halve(2), convolution(3, 128)],
      tf.layers.globalAveragePooling2d({ name: 'pool' }),
      tf.layers.dense({ name: 'head', units: 10 }),
    ],
  });
}

/** Trains it on the recipe's samples of CIFAR-10, with a learning rate of its own, and saves it with its metrics.csv. */
export async function trainTeacher(
  folder: string,
  { recipe: name, epochs, backend }: { recipe: string; epochs: number; backend?: string },
): Promise<void> {
  if (existsSync(join(folder, 'model.json'))) return;
  await useBackend(backend);
  const text = readFileSync(join('recipes', `${name}.yaml`), 'utf8');
  const recipe = parseRecipe(text, `${name}.yaml`, [
    `epochs=${epochs}`,
    'optimizer.learningRate=2e-3',
    'schedule.minLearningRate=1e-5',
  ]);
  const [train, test] = [await cifar10({ split: 'train' }), await cifar10({ split: 'test' })];
  await mkdir(folder, { recursive: true });
  const model = seededWeights(recipe.seed, network);
  const trainer = new Trainer({
    ...trainerConfigFromRecipe(recipe, { train, test }),
    model,
    observers: [csvObserver(folder), textObserver()],
  });
  for await (const _ of trainer.run()); // observers tell
  await model.save(fileHandler(folder));
  trainer.dispose();
  model.dispose();
}
