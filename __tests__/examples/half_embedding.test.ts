import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from 'tfjs-spikingformer/node';
import { halves, saveWithHalfEmbedding } from '../../examples/_half_embedding';
import { halfToNumber } from '../../interop/torch_file/half';
import '../support/backends';
import { temporaryDirectory } from '../support/process';

const folder = temporaryDirectory();
const halfBits = (value: number) => halves(Float32Array.of(value))[0];

test.each([
  ['0', 0, 0],
  ['1', 1, 0x3c00],
  ['-2', -2, 0xc000],
  ['a third, down', 1 / 3, 0x3555],
  ['the next above 1', 1 + 2 ** -10, 0x3c01],
  ['what rounds up to 2', 2 - 2 ** -12, 0x4000],
  ['the smallest normal', 2 ** -14, 0x0400],
  ['what rounds up to it', 2 ** -14 - 2 ** -26, 0x0400],
  ['the smallest of all', -(2 ** -24), 0x8001],
  ['the largest', 65504, 0x7bff],
])('%s in 16 bits', (_, value, bits) => {
  expect(halfBits(value)).toBe(bits);
});

test('every number of 16 bits is its own rounding', () => {
  const all = Array.from({ length: 0x7c00 }, (_, bits) => bits);
  expect(all.map((bits) => halfBits(halfToNumber(bits)))).toEqual(all);
});

test.each([-(2 ** -26), 65520, Number.NaN])('%p is refused', (value) => {
  expect(() => halfBits(value)).toThrow(/must keep its sign and be finite in 16 bits, but got/);
});

test('a saved model answers as before, with an embedding of half the bytes', async () => {
  await tf.setBackend('cpu');
  const model = spiking.models.spikeBert({
    ...{ inputShape: [4], numClasses: 2, vocabSize: 50, embedDim: 16, depth: 1, numHeads: 2 },
  });
  await saveWithHalfEmbedding(model, fileHandler(folder));
  const { weightSpecs, weightData } = await fileHandler(folder).load!();
  const half = weightSpecs!.filter(({ quantization }) => quantization?.dtype === 'float16');
  expect(half.map(({ shape }) => shape)).toEqual([[50, 16]]);
  const bytes = (weightData as ArrayBuffer).byteLength;
  expect(bytes).toBe(4 * model.countParams() - 2 * 50 * 16);
  const loaded = await tf.loadLayersModel(fileHandler(folder));
  const ids = tf.tensor2d([0, 7, 12, 49, 3, 3, 21, 30], [2, 4], 'int32');
  const answers = [model, loaded].map((one) => (one.predict(ids) as tf.Tensor).arraySync());
  expect(answers[1]).toEqual(answers[0]);
});
