/** The TensorFlow op against its specification, the composed form on the same backend. */
import * as tf from '@tensorflow/tfjs';
import { MultiStepLIF, MultiStepLIFGrad } from '../../../lib/kernels/multi_step_lif';
import { getSurrogate, surrogateNames } from '../../../lib/kernels/surrogate';
import { multiStepLIFKernels } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { multiStepLIF } from '../../../lib/neuron';
import { resolveLIF } from '../../../lib/neuron_params';
import { expectClose } from '../../support/compare';
import { runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { itIsMultiStepLIF, lifChecker } from '../../support/lif_spec';
import { describeNativeOps } from '../../support/tensorflow';

const defaults = resolveLIF();
const runNative = runnerOf(multiStepLIFKernels);
const check = lifChecker(runNative);

describeNativeOps('MultiStepLIF as a TensorFlow op', () => {
  it.each([1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 63, 65, 1023, 1025, 2530])(
    'handles %i neurons',
    (n) => {
      check([2, 4, n], defaults, { v0: true });
      check([3, 1, n], defaults, { w: 0.4 });
    },
  );

  it('handles more spikes than the caches hold', () => {
    check([3, 4, 350_003], defaults, { v0: true });
  });

  it('is what multiStepLIF runs', () => {
    multiStepLIF(tf.zeros([1, 1, 1])).dispose();
    const registered = tf.getKernel(MultiStepLIF, 'tensorflow').kernelFunc;
    expect(multiStepLIFKernels.map(({ kernelFunc }) => kernelFunc)).toContain(registered);
  });

  it('gives several threads their shares', () => check([16, 4, 16, 16, 33], defaults, { w: 0.1 }));

  it.each(surrogateNames)('has a finite %s surrogate however far the membrane is', (surrogate) => {
    const attrs = { ...defaults, surrogate, alpha: getSurrogate(surrogate).alpha };
    const far = [1e30, -1e30, 1e10, -1e10, 100, -100, 2, 2.0000002, 40, 43, 44, 45];
    tf.tidy(() => {
      const x = tf.tensor(far, [1, 1, far.length]);
      const zeros = tf.zeros([1, far.length]);
      const [dx] = runNative(MultiStepLIFGrad, { x, dSpikes: tf.onesLike(x), dV: zeros }, attrs);
      const derivative = getSurrogate(surrogate).derivative(attrs.alpha);
      const expected = far.map((y) => derivative(Math.fround(y / 2) - 1) / 2);
      expectClose(dx!, tf.tensor(expected, x.shape), 'dx', { rel_to_max: 1e-6, atol: 0 });
    });
  });

  it('steps through long sequences', () => {
    check([1, 300, 21], { ...defaults, vReset: null }, { v0: true, w: -0.3 });
    check([3, 64, 200], { ...defaults, tau: 3 });
  });

  it('gives the same gradient of w whenever it runs', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([8, 4, 20000], -1, 3, 'float32', 5);
      const inputs = { x, dSpikes: tf.onesLike(x), dV: tf.zeros([8, 20000]), w: tf.scalar(0.2) };
      const dw = () => runNative(MultiStepLIFGrad, inputs, defaults)[1]!.dataSync()[0];
      const first = dw();
      for (let i = 0; i < 10; i++) expect(dw()).toBe(first);
    });
  });

  it('leaves nothing behind', async () => {
    await expectNoLeak(() => tf.tidy(() => check([2, 3, 40], defaults, { v0: true, w: 0.5 })));
  });

  itIsMultiStepLIF(runNative, { alphas: [0.7, 9], numRuns: 300 });
});
