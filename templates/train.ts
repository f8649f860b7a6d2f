/** Trains the network of recipe.yaml on the folder data, saves it in model, and asks it about held-out samples. */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { fileHandler, findOwnData, openOwnSplit } from 'tfjs-spikingformer/node';
import {
  describeModel,
  modelFromRecipe,
  parseRecipe,
  Trainer,
  testDataFromRecipe,
  trainerConfigFromRecipe,
} from 'tfjs-spikingformer/training';

const percent = (share: number | null) => `${(100 * (share ?? 0)).toFixed(1)} %`;

await tf.ready(); // wasm starts asynchronously
const asked = parseRecipe(await readFile('recipe.yaml', 'utf8'), 'recipe.yaml');
const { recipe, survey } = await findOwnData(asked);
const { train: samples, test: heldOut } = recipe.data.samples!;
console.log(`${survey.classNames.join(', ')}: ${samples} samples to train on, ${heldOut} to test`);
for (const { name, reason } of survey.unreadable) console.warn(`left out: ${name}: ${reason}`);

const train = await openOwnSplit(recipe, 'train');
const test = await openOwnSplit(recipe, 'test');
const model = modelFromRecipe(recipe);
const trainer = new Trainer({ ...trainerConfigFromRecipe(recipe, { train, test }), model });
for await (const { epoch, epochs, trainLoss, testAccuracy } of trainer.run()) {
  const loss = trainLoss.toFixed(3);
  console.log(
    `epoch ${epoch + 1} of ${epochs}: loss ${loss}, test accuracy ${percent(testAccuracy)}`,
  );
}
describeModel(model, recipe, test.classNames); // names of the classes, for index.html and `spikingformer predict`
await model.save(fileHandler('model'));

for await (const { data, shape, labels } of testDataFromRecipe(recipe, { test }).batches()) {
  const x = tf.tensor(data, shape);
  const answers = tf.tidy(() => (model.predict(x) as tf.Tensor).argMax(1).dataSync());
  x.dispose();
  for (const [i, label] of labels.entries()) {
    console.log(
      `a sample of ${test.classNames[label]} is taken for ${test.classNames[answers[i]!]}`,
    );
  }
}
