/** Weights as the formats of tfjs store them, quantized or not, in one file or cut anywhere into several. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../../../node/runs/file_handler';
import { temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
let count = 0;
const fresh = () => join(directory, `model${count++}`);
const values = (model: tf.LayersModel) => model.getWeights().map((w) => Array.from(w.dataSync()));

beforeAll(() => tf.setBackend('cpu'));

// Two layers; values that each of these forms holds exactly.
const value = (i: number) => (i % 9) - 4;
const forms = {
  float32: { store: (v: number[]) => Float32Array.from(v), quantization: undefined },
  float16: {
    store: (v: number[]) => Uint16Array.from(v, half),
    quantization: { dtype: 'float16' },
  },
  uint16: {
    store: (v: number[]) => Uint16Array.from(v, (x) => (x + 4) * 2),
    quantization: { dtype: 'uint16', scale: 0.5, min: -4 },
  },
  uint8: {
    store: (v: number[]) => Uint8Array.from(v, (x) => (x + 4) * 2),
    quantization: { dtype: 'uint8', scale: 0.5, min: -4 },
  },
} as const;

/** A whole number from -4 to 4 as float16. */
function half(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const fraction = Math.abs(x) / 2 ** exponent - 1;
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | (fraction * 1024);
}

describe.each(Object.keys(forms) as (keyof typeof forms)[])('weights as %s', (form) => {
  test.each([
    ['one file', []],
    ['two, the last the larger', [7]],
    ['two, cut within a number', [21]],
    ['three, the last the largest', [8, 16]],
    ['three, of no order', [30, 34]],
    ['equal ones, and one that is empty', [16, 32, 32]],
  ])('in %s', async (_, cuts) => {
    const path = fresh();
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 7, inputShape: [5] }),
        tf.layers.dense({ units: 3, biasInitializer: 'ones' }),
      ],
    });
    model.setWeights(
      model.getWeights().map((w) =>
        tf.tensor(
          Array.from({ length: w.size }, (_, i) => value(i)),
          w.shape,
        ),
      ),
    );
    await model.save(fileHandler(path));
    const json = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
    const { store, quantization } = forms[form];
    const parts = values(model).map((v) => Buffer.from(store(v).buffer));
    const all = Buffer.concat(parts);
    const ends = [...cuts, all.length];
    const paths = ends.map((_, i) => `group1-shard${i + 1}of${ends.length}.bin`);
    for (const [i, name] of paths.entries()) {
      writeFileSync(join(path, name), all.subarray(i === 0 ? 0 : ends[i - 1], ends[i]));
    }
    const [{ weights }] = json.weightsManifest;
    if (quantization) for (const weight of weights) weight.quantization = quantization;
    json.weightsManifest = [{ paths, weights }];
    writeFileSync(join(path, 'model.json'), JSON.stringify(json));
    expect(values(await tf.loadLayersModel(fileHandler(path)))).toEqual(values(model));
  });
});
