/** The gradient study: its network is the layers' own, its references are right, its routing is counted rightly. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  type GradientStudyRow,
  gradientStudy,
  gradientStudySvg,
} from 'tfjs-spikingformer/analysis';
import { makeNetwork, runNetwork } from '../../analysis/gradient_study/_network';
import { routingOf } from '../../analysis/gradient_study/_routing';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

const size = { depth: 2, filters: 4, batch: 4, imageSize: 8, timeSteps: 2, seed: 3 };

/** One image of one channel, of that side. */
const plane = (...numbers: number[]) => Float32Array.from(numbers);
const shape = (side: number) => [1, side, side, 1] as [number, number, number, number];

describe('routing of a 3 x 3 pool of stride 2', () => {
  // On 2 x 2 pixels there is one window, which holds them all.
  test('the first of two spikes takes the gradient of the higher membrane', () => {
    const spikes = plane(0, 1, 1, 0);
    const membranes = plane(0.2, 1.1, 1.7, 0.4);
    expect(routingOf(shape(2), spikes, membranes, plane(-3))).toEqual({
      misrouted: 1,
      silent: 0,
      tied: 1,
    });
    const other = plane(0.2, 1.7, 1.1, 0.4);
    expect(routingOf(shape(2), spikes, other, plane(2))).toMatchObject({ misrouted: 0, tied: 1 });
  });

  test('where nothing fires, the first pixel takes it', () => {
    const silent = { misrouted: 1, silent: 1, tied: 0 };
    expect(routingOf(shape(2), plane(0, 0, 0, 0), plane(0, 0.5, 0, 0), plane(1))).toEqual(silent);
    expect(routingOf(shape(2), plane(0, 0, 0, 0), plane(0.5, 0, 0, 0), plane(1))).toMatchObject({
      misrouted: 0,
      silent: 1,
    });
  });

  test('one spike is the highest membrane; shares are by the size of the gradient', () => {
    // 3 x 3 pixels: four windows of 2 x 2, the pixel in the middle in each.
    const spikes = plane(1, 0, 0, 0, 0, 0, 0, 0, 1);
    const membranes = plane(1.5, 0, 0, 0, 0.5, 0, 0, 0, 1.2);
    expect(routingOf(shape(3), spikes, membranes, plane(1, 2, 3, 4))).toEqual({
      misrouted: 0.5, // the second and third, where nothing fires and the middle is higher
      silent: 0.5,
      tied: 0,
    });
    expect(routingOf(shape(3), membranes, membranes, plane(1, 2, 3, 4)).misrouted).toBe(0);
  });

  test('no gradient, no share', () => {
    const none = { misrouted: 0, silent: 0, tied: 0 };
    expect(routingOf(shape(2), plane(0, 0, 0, 0), plane(0, 1, 0, 0), plane(0))).toEqual(none);
  });
});

describeEachBackend('the gradient study', () => {
  test.each(['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const)(
    'its network with %s is the one that layers make',
    (order) => {
      tf.tidy(() => {
        const network = makeNetwork(size);
        const model = tf.sequential({
          layers: [
            spiking.layers.cmlDownsample({
              filters: 4,
              order,
              timeSteps: 2,
              inputShape: [8, 8, 3],
            }),
            spiking.layers.cmlDownsample({ filters: 4, order }),
            spiking.layers.rateReadout(),
            tf.layers.dense({ units: 10, useBias: false }),
          ],
        });
        const kernels = model.weights.filter(({ originalName }) => originalName.endsWith('kernel'));
        [...network.kernels, network.head].forEach((value, i) => {
          kernels[i]!.write(value);
        });
        const logits = model.apply(network.images, { training: true }) as tf.Tensor;
        const expected = tf.losses.softmaxCrossEntropy(network.labels, logits).dataSync()[0]!;
        const { loss } = runNetwork(network, network.kernels, order);
        expect(loss.dataSync()[0]).toBeCloseTo(expected, 5);
        model.dispose();
      });
    },
  );

  test.each(['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const)(
    'the relaxation of %s is smooth: its gradient is its slope',
    (order) => {
      tf.tidy(() => {
        const network = makeNetwork(size);
        const [first, ...rest] = network.kernels;
        const loss = (kernel: tf.Tensor) =>
          runNetwork(network, [kernel as tf.Tensor4D, ...rest], order, { relaxed: true }).loss;
        const gradient = tf.grad(loss)(first!);
        const along = gradient.div(gradient.norm()).mul(1e-2);
        const ahead = loss(first!.add(along))
          .sub(loss(first!.sub(along)))
          .dataSync()[0]!;
        const slope = ahead / 2e-2;
        const expected = gradient.norm().dataSync()[0]!;
        expect(Math.abs(slope / expected - 1)).toBeLessThan(0.05);
      });
    },
  );

  test('CML misroutes nothing; before it most of the gradient is; the control mends that', async () => {
    await expectNoLeak(() => {
      const rows = gradientStudy({ ...size, directions: 2 });
      expect(rows).toHaveLength(6);
      const of = (variant: string) => rows.filter((row) => row.variant === variant);
      for (const row of [...of('conv-bn-pool-lif'), ...of('rerouted')]) {
        expect(row.misrouted).toBe(0);
      }
      for (const { misrouted, silent, tied } of of('conv-bn-lif-pool')) {
        expect(misrouted).toBeGreaterThan(0.3);
        expect(misrouted).toBeLessThanOrEqual(silent + tied + 1e-9);
      }
      for (const { relaxedCosine, finiteCosine } of rows) {
        for (const cosine of [relaxedCosine, finiteCosine]) {
          expect(Math.abs(cosine)).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(relaxedCosine).not.toBe(0);
      }
      // One network, two gradients: what differs is the routing alone.
      const gradients = (variant: string) => of(variant).map((row) => row.relaxedCosine);
      expect(gradients('rerouted')).not.toEqual(gradients('conv-bn-lif-pool'));
    });
  });

  test('repeats itself by its seed; leaves finite differences out where told', () => {
    const rows = gradientStudy({ ...size, directions: 0 });
    expect(gradientStudy({ ...size, directions: 0 })).toEqual(rows);
    expect(rows.every(({ finiteCosine }) => Number.isNaN(finiteCosine))).toBe(true);
    const other = gradientStudy({ ...size, directions: 0, seed: 4 });
    expect(other[0]!.relaxedCosine).not.toBe(rows[0]!.relaxedCosine);
  });
});

test('the figure has a point for each number, and none for what is missing', () => {
  const rows = (['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const).flatMap((variant) =>
    [1, 2].map(
      (stage): GradientStudyRow => ({
        seed: 0,
        variant,
        stage,
        misrouted: 0.5,
        silent: 0,
        tied: 0,
        relaxedCosine: -0.3,
        finiteCosine: Number.NaN,
      }),
    ),
  );
  const svg = gradientStudySvg(rows);
  expect(svg.match(/<path class="line/g)).toHaveLength(2 + 4); // the legend's, too
  expect(svg.match(/<circle/g)).toHaveLength(8);
  expect(svg).not.toContain('NaN');
  expect(svg).toContain('-0.4'); // the axis reaches below the lowest
});

test.each([
  [{ depth: 0 }, 'depth must be a positive integer, but got 0'],
  [{ directions: -1 }, 'directions must be a whole number, but got -1'],
  [{ step: 0 }, 'step must be a positive finite number, but got 0'],
  [{ stages: 3 }, "gradientStudy has no option 'stages'"],
])('refuses %j', (options, message) => {
  expect(() => gradientStudy(options as never)).toThrow(message);
});
