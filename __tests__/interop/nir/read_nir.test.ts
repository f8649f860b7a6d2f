/** NIR files of simulators, run here: the spikes that their graphs mean, in every reading of what files leave open. */
import * as tf from '@tensorflow/tfjs';
import { describeFasterBackends } from '../../support/backends';
import { type Fixture, loadFixture, toTensor } from '../../support/fixtures';
import { flips, nirFile, readNir, toOurs } from '../../support/nir';

const fixture = (name: string) => loadFixture<unknown>(`nir/${name}_expected`);
const input = (from: Fixture<unknown>, name: string) => toTensor(toOurs(from.values(name)));

/** Every recorded neuron's spikes and, if it has one, its count of several. */
function expectSpikes(model: tf.LayersModel, x: tf.Tensor, from: Fixture<unknown>, prefix: string) {
  const names = from.names(prefix).flatMap((name) => /^(.*)\.spikes$/.exec(name)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(0);
  const outputs = names.map((name) => layerOf(model, name).output as tf.SymbolicTensor);
  const body = tf.model({ inputs: model.inputs, outputs });
  const spikes = [body.predict(x)].flat();
  const wrong = names.map((name, i) => [
    name,
    flips(spikes[i]!, from.values(`${prefix}${name}.spikes`)),
  ]);
  expect(wrong).toEqual(names.map((name) => [name, 0]));
  tf.dispose(spikes);
}

const layerOf = (model: tf.LayersModel, name: string) =>
  model.layers.find((layer) => [name, `${name}_loop`].includes(layer.name))!;

describeFasterBackends('NIR', () => {
  test.each(['euler', 'exponential'] as const)('a LIF neuron, %s', async (integration) => {
    const expected = fixture('lif_norse');
    const model = await readNir(nirFile('lif_norse'), { integration });
    const x = input(expected, 'input');
    const y = model.predict(x) as tf.Tensor;
    expect(flips(y, expected.values(`${integration}.spikes`))).toBe(0);
    const steps = [...y.dataSync().entries()].flatMap(([t, s]) => (s ? [t] : []));
    expect(steps).toEqual([460, 510, 710, 760]); // as Norse, Nengo, snnTorch and SpiNNaker2
    tf.dispose([x, y]);
    model.dispose();
  });

  test.each(['euler', 'exponential'] as const)('two LIF neurons, %s', async (integration) => {
    const expected = fixture('two_lif');
    const model = await readNir(nirFile('two_lif_neurons'), { integration });
    // A spike of the first enters the second as 400, by the convention of those numbers.
    const [weight] = model.getLayer('linear2').getWeights();
    model.getLayer('linear2').setWeights([weight!.mul(400)]);
    const x = input(expected, 'input');
    expectSpikes(model, x, expected, `${integration}.`);
    x.dispose();
    model.dispose();
  });

  test.each(['new', 'old'] as const)(
    'CubaLIF neurons in a loop, reading %s',
    async (cubaReading) => {
      const expected = fixture('braille_noDelay_noBias_subtract');
      const model = await readNir(nirFile('braille_noDelay_noBias_subtract'), {
        reset: 'subtract',
        cubaReading,
      });
      for (const i of [0, 1, 2]) {
        const x = input(expected, `case${i}.input`);
        expectSpikes(model, x, expected, `case${i}.${cubaReading}.`);
        x.dispose();
      }
      model.dispose();
    },
  );

  test.each([
    ['zero', 'v_reset'],
    ['subtract', 'subtract'],
    ['multi-spike', 'subtract_multi'],
  ] as const)('a convolutional network of IF neurons, reset %s', async (reset, reading) => {
    const expected = fixture('cnn_sinabs');
    const model = await readNir(nirFile('cnn_sinabs'), { reset });
    for (const i of [0, 1]) {
      const x = input(expected, `case${i}.input`);
      expectSpikes(model, x, expected, `case${i}.${reading}.`);
      x.dispose();
    }
    model.dispose();
  });
});
