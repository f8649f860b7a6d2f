/** What is particular to GPUs: how many programs a neuron and a training step take, and devices that cannot train. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countWork } from '../../bench/_dispatches';
import { installKernels } from '../../lib/kernels';
import { describeEachBackend, onGPU } from '../support/backends';

/** Uploaded, so that nothing but the neuron's own programs are counted. */
const uploaded = (x: tf.Tensor) => x.add(0).mul<tf.Tensor>(1);

describeEachBackend('on a GPU', (backend) => {
  if (!onGPU(backend)) {
    test.skip('this backend is no GPU', () => {});
    return;
  }

  test.each([1, 4, 32])(
    'neurons over %i time steps are one program, and one more for the gradient',
    (time) => {
      tf.tidy(() => {
        const x = uploaded(tf.randomUniform([2, time, 4, 4, 8], 0, 2));
        const g = uploaded(tf.randomNormal(x.shape));
        expect(countWork(() => spiking.multiStepLIF(x)).dispatches).toBe(1);
        expect(countWork(() => tf.grad((y) => spiking.multiStepLIF(y))(x, g)).dispatches).toBe(2);
        // The last membranes are a second program, for those who ask.
        expect(countWork(() => spiking.multiStepLIFState(x)).dispatches).toBe(2);
      });
    },
  );

  test('divides by any time constant as float32 rounds, which no shading language promises', () => {
    const values = (tau: number) =>
      Float32Array.from({ length: 20_000 }, (_, i) => Math.sin(i * tau) * 10 ** ((i % 17) - 8));
    for (const tau of [1.75, 1.1, 3.3, 19.123, 1.0000001]) {
      tf.tidy(() => {
        const x = values(tau);
        const input = tf.tensor(x, [1, 1, x.length]);
        const { v } = spiking.multiStepLIFState(input, { tau, vThreshold: 1e30 });
        const expected = x.map((value) => value / Math.fround(tau));
        expect(v.dataSync().findIndex((value, i) => value !== expected[i])).toBe(-1);
      });
    }
  });

  test('a learnt time constant takes as many programs over 16 time steps as over 2', () => {
    const programs = (time: number) =>
      tf.tidy(() => {
        const x = uploaded(tf.randomUniform([2, time, 4, 4, 8], 0, 2));
        const g = uploaded(tf.randomNormal(x.shape));
        const w = uploaded(tf.tensor1d([0.3]));
        return countWork(() => tf.grads((y, v) => spiking.multiStepPLIF(y!, v!))([x, w], g))
          .dispatches;
      });
    expect(programs(16)).toBe(programs(2));
  });

  test('a training step takes no more programs for more time steps, but those that repeat the image', () => {
    const programs = (timeSteps: number) => {
      const model = spiking.models.spikingformer({
        inputShape: [16, 16, 1],
        numClasses: 2,
        embedDim: 16,
        depth: 1,
        numHeads: 2,
        timeSteps,
      });
      const x = tf.tidy(() => uploaded(tf.randomUniform([2, 16, 16, 1])));
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const { dispatches } = countWork(() => {
        tf.variableGrads(
          () => (model.apply(x, { training: true }) as tf.Tensor).square().sum().asScalar(),
          variables,
        );
      });
      model.dispose();
      x.dispose();
      return dispatches;
    };
    const [two, six] = [programs(2), programs(6)];
    expect(six - two).toBeLessThanOrEqual(16);
    expect(six).toBeLessThan(backend === 'webgpu' ? 420 : 800);
  });

  test('int32 and bool tensors transpose, five axes meet a vector, and grow', () => {
    tf.tidy(() => {
      installKernels();
      const x = tf.range(0, 2 * 3 * 2 * 2 * 5, 1, 'int32').reshape([2, 3, 2, 2, 5]);
      const swapped = x.transpose([1, 0, 3, 4, 2]);
      const back = uploadedBack(swapped.transpose([1, 0, 4, 2, 3]));
      expect(Array.from(back.dataSync())).toEqual(Array.from(x.dataSync()));
      expect(swapped.shape).toEqual([3, 2, 2, 5, 2]);
      const odd = x.toFloat().mul(tf.tensor1d([1, 0, 1, 0, 1]));
      expect(odd.sum().dataSync()[0]).toBe(120 * 59.5 * 0.6);
      const padded = odd.pad([
        [0, 0],
        [1, 0],
        [0, 0],
        [0, 2],
        [0, 0],
      ]);
      expect(padded.shape).toEqual([2, 4, 2, 4, 5]);
      expect(
        padded.slice([0, 1, 0, 0, 0], [2, 3, 2, 2, 5]).sub(odd).abs().max().dataSync()[0],
      ).toBe(0);
      expect(padded.sum().dataSync()[0]).toBe(odd.sum().dataSync()[0]);
    });
  });

  test('neurons and layers take spikes that were made by comparing', () => {
    tf.tidy(() => {
      const spikes = uploaded(tf.range(0, 24).reshape([2, 3, 4]))
        .greater(7)
        .toFloat();
      const twice = spikes.transpose([0, 2, 1]).mean(1);
      expect(Array.from(twice.dataSync())).toEqual([0, 0, 1, 1, 1, 1]);
      const fired = spiking.multiStepIF(spikes, { vThreshold: 0.5 });
      expect(Array.from(fired.dataSync())).toEqual(Array.from(spikes.dataSync()));
      const gradient = tf.grad((x) => spiking.multiStepIF(x).mul(spikes).sum())(spikes);
      expect(gradient.shape).toEqual([2, 3, 4]);
    });
  });

  test("has the epsilon of 32-bit numbers in tfjs's optimizers", () => {
    installKernels();
    expect(tf.backend().epsilon()).toBe(1e-7);
  });

  if (backend !== 'webgl') return;

  test('a device with 16-bit textures runs, but refuses to train', async () => {
    const flag = 'WEBGL_RENDER_FLOAT32_ENABLED';
    const x = tf.ones([1, 2, 3]);
    const gradient = () => tf.tidy(() => tf.grad((y) => spiking.multiStepLIF(y).sum())(x));
    gradient().dispose();
    tf.env().set(flag, false);
    try {
      expect(() => gradient()).toThrow(/16-bit textures/);
      spiking.multiStepLIF(x).dispose();
      const said: string[] = [];
      const say = (message: string) => said.push(message);
      expect(await spiking.chooseBackend(['webgl', 'cpu'], { training: true, say })).toBe('cpu');
      expect(said.join()).toMatch(/webgl has 16-bit textures.*running on cpu/);
      expect(await spiking.chooseBackend(['webgl', 'cpu'], { say })).toBe('webgl');
    } finally {
      tf.env().set(flag, true);
      await tf.setBackend(backend);
    }
    x.dispose();
  });
});

/** Through the GPU, where whole numbers stay whole. */
function uploadedBack(x: tf.Tensor): tf.Tensor {
  return x.add(tf.scalar(0, 'int32'));
}
