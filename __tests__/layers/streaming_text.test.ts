/** A sentence token by token: pieces of it end in the answers of the whole, exactly; and where that is not possible. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend, repeatably } from '../support/backends';
import { expectClose } from '../support/compare';
import { savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers } = spiking;
const IDS = [3, 0, 4, 4, 1, 2, 3];

/** Logits after each token, `[batch, tokens, 2]`. */
function reader(options: { timeSteps?: number; stateful?: boolean }): tf.LayersModel {
  const { timeSteps = 1, stateful = true } = options;
  const neurons = { stateful, vThreshold: 0.5 };
  const model = tf.sequential({
    layers: [
      layers.tokenEmbedding({
        ...{ inputShape: [null], dtype: 'int32', vocabSize: 5, embedDim: 8, timeSteps },
        inTime: true,
      }),
      layers.spikeBertBlock({ numHeads: 2, attnVThreshold: 0.2, ...neurons }),
      layers.spikeBertMLP(neurons),
      layers.tokenMean(),
      tf.layers.dense({ units: 2 }),
    ],
  });
  for (const layer of model.layers) seedWeights(layer);
  return model;
}

const read = (model: tf.LayersModel, ids: number[]) =>
  model.predict(tf.tensor2d([ids], undefined, 'int32')) as tf.Tensor;

function compare(whole: tf.LayersModel, model: tf.LayersModel, timeSteps: number): void {
  const expected = read(whole, IDS);
  expect(expected.shape).toEqual([1, IDS.length * timeSteps, 2]);
  const inPieces = (pieces: number[][], between = () => {}) => {
    model.resetStates();
    const answers = pieces.map((ids) => {
      between();
      return read(model, ids);
    });
    return tf.concat(answers, 1);
  };
  const each = IDS.map((id) => [id]);
  for (const pieces of [each, [IDS.slice(0, 3), IDS.slice(3)]]) {
    expectClose(inPieces(pieces), expected, 'pieces', { atol: 1e-5 });
  }
  // The membranes remember: without them a token has another answer.
  const forgotten = inPieces(each, () => model.resetStates());
  expect(forgotten.sub(expected).abs().max().arraySync()).toBeGreaterThan(0.01);
  model.resetStates();
}

describeEachBackend('text in time', () => {
  test.each([1, 2])(
    'with %d steps per token, pieces answer as the whole does',
    async (timeSteps) => {
      await expectNoLeak(() => {
        const [whole, model] = [reader({ timeSteps, stateful: false }), reader({ timeSteps })];
        repeatably(() => tf.tidy(() => compare(whole, model, timeSteps)));
        whole.dispose();
        model.dispose();
      });
    },
  );

  test('the option is saved with the layer', async () => {
    const model = reader({ stateful: false });
    const loaded = await savedAndLoaded(model);
    expect(loaded.layers[0]!.getConfig()).toMatchObject({ inTime: true, timeSteps: 1 });
    tf.tidy(() => {
      expect(read(loaded, IDS).arraySync()).toEqual(read(model, IDS).arraySync());
    });
    model.dispose();
    loaded.dispose();
  });
});

test.each([{ positions: true }, { padId: 0 }])('inTime with %j is refused', (options) => {
  const make = () =>
    layers.tokenEmbedding({ vocabSize: 5, embedDim: 8, timeSteps: 1, inTime: true, ...options });
  expect(make).toThrow(
    'inTime must be false with positions or padId, which are of whole sentences',
  );
});
