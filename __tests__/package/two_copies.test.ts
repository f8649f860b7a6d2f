/** Two copies of the library in one process, as an ES module and a CommonJS dependency load them. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { energy, firingRates, measureActivity } from 'tfjs-spikingformer/analysis';
import { VERSION } from '../../lib/shared';
import { savedAndLoaded } from '../support/layer_test';

/** Another copy, on the same TensorFlow.js. */
function anotherCopy(): typeof spiking {
  let copy: typeof spiking | undefined;
  jest.isolateModules(() => {
    jest.doMock('@tensorflow/tfjs', () => tf);
    copy = require('tfjs-spikingformer');
    jest.dontMock('@tensorflow/tfjs');
  });
  return copy!;
}

const make = ({ layers }: typeof spiking) =>
  tf.sequential({
    layers: [
      layers.directEncoding({ timeSteps: 2, inputShape: [8, 8, 1] }),
      layers.cmlDownsample({ filters: 4 }),
      layers.lifNode({ vThreshold: 0.5 }),
      layers.rateReadout(),
      tf.layers.dense({ units: 2 }),
    ],
  });

beforeAll(() => tf.setBackend('cpu'));

test('each observes the layers of the other', async () => {
  const before = make(spiking);
  const other = anotherCopy();
  expect(other.layers.lifNode).not.toBe(spiking.layers.lifNode);
  // Loaded models are made of the classes of the copy that came last.
  const loaded = await savedAndLoaded(before);
  expect(loaded.layers[2]).toBeInstanceOf(other.layers.LIFNode);

  const x = tf.ones([1, 8, 8, 1]);
  const paths = [...spiking.observe(before, x).keys()];
  expect(paths).toHaveLength(2);
  for (const model of [before, loaded]) {
    expect([...spiking.observe(model, x).keys()]).toEqual(paths);
    expect([...other.observe(model, x).keys()]).toEqual(paths);
    expect([...firingRates(model, x).keys()]).toEqual(paths);
    expect([...measureActivity(model, x).neurons.keys()]).toEqual(paths);
    expect(energy(model, x)).toEqual(energy(before, x));
  }
});

test('a surrogate that one registers is known to the other', () => {
  const other = anotherCopy();
  other.registerSurrogate('ofAnother', { derivative: (u) => u.abs().mul(-1).add(1).relu() });
  const fires = (x: tf.Tensor) => spiking.multiStepLIF(x, { surrogate: 'ofAnother' });
  expect([
    ...tf
      .grad(fires)(tf.tensor([1.5], [1, 1, 1]))
      .dataSync(),
  ]).toEqual([0.375]);
});

test('a layer has one owner, of whichever copy', () => {
  const layer = tf.layers.dense({ units: 2 });
  spiking.layers.foldTime({ layer });
  expect(() => anotherCopy().layers.foldTime({ layer })).toThrow(
    /a layer that no other layer owns/,
  );
});

test('two versions are an error that names both', () => {
  const slot = globalThis as { [key: symbol]: { version: string } };
  const commons = slot[Symbol.for('tfjs-spikingformer.shared')]!;
  commons.version = '0.0.9';
  try {
    expect(anotherCopy).toThrow(
      new RegExp(
        `must have the same version, but got 0\\.0\\.9 and ${VERSION.replaceAll('.', '\\.')}`,
      ),
    );
  } finally {
    commons.version = VERSION;
  }
});
