/** What the native ops compute is equal in every bit whatever the number of threads: a run can be resumed elsewhere. */

import { runScript } from '../../support/process';
import { describeNativeOps } from '../../support/tensorflow';

/** Prints a checksum of each op's gradients, of tensors that are many pieces of work. */
const script = `
  import { createRequire } from 'node:module';
  import * as tf from '@tensorflow/tfjs';
  import './node/native/ops';
  import './lib';
  import * as batchNorm from './lib/batch_norm';
  import { crc32 } from './lib/crc32';
  import { installKernels } from './lib/kernels';
  import { runSpikeProduct } from './lib/kernels/spike_product';
  import { tensorflowBackend } from './lib/kernels/tensorflow/backend';
  import { skippingFilterGradient } from './lib/kernels/tensorflow/spikes';
  import { layerNorm } from './lib/layer_norm';
  import { multiStepLIF, multiStepPLIF } from './lib/neuron';
  import { resolveLIF } from './lib/neuron_params';
  import { multiHeadSpikingAttention } from './lib/attention';

  createRequire(import.meta.url)('@tensorflow/tfjs-node');
  await tf.setBackend('tensorflow');
  installKernels();
  let seed = 0;
  const normal = (shape) => tf.randomNormal(shape, 0, 1, 'float32', ++seed);
  const spikes = (shape, share = 0.1) => tf.randomUniform(shape, 0, 1, 'float32', ++seed).less(share).toFloat();
  const gradients = (f, inputs) => {
    const y = f(...inputs);
    return [y, ...tf.grads(f)(inputs, normal(y.shape))];
  };
  const filterGradient = (x, filters, size) => {
    const filterShape = size ? [size, size, x.shape.at(-1), filters] : [x.shape.at(-1), filters];
    const dy = normal([...x.shape.slice(0, -1), filters]);
    return [skippingFilterGradient(tensorflowBackend(), x, dy, filterShape, 2)];
  };
  const maps = [4, 4, 8, 8, 96];
  const norm = (f) => gradients(f, [normal(maps), normal([96]), normal([96])]);
  const cases = {
    'a small matrix': () => filterGradient(spikes([3000, 64]), 80),
    'a large matrix': () => filterGradient(spikes([1500, 700]), 800),
    'a matrix of many spikes': () => filterGradient(spikes([3000, 64], 0.5), 96),
    'numbers': () => filterGradient(spikes([3000, 64]).mul(normal([3000, 64])), 80),
    'a filter': () => filterGradient(spikes([10, 16, 16, 48]), 64, 3),
    'a filter of many spikes': () => filterGradient(spikes([10, 16, 16, 48], 0.5), 64, 3),
    'a convolution': () => gradients(runSpikeProduct, [spikes([10, 16, 16, 48]), normal([3, 3, 48, 64])]),
    'neurons': () => gradients((x) => multiStepLIF(x), [normal(maps)]),
    'neurons that learn': () => gradients((x, w) => multiStepPLIF(x, w), [normal(maps), tf.scalar(0.3)]),
    'batch norm': () => norm((...x) => batchNorm.batchNormTraining(...x).y),
    'batch norm, neurons': () => norm((...x) => batchNorm.batchNormLIFTraining(...x, resolveLIF()).spikes),
    'batch norm, pool': () => norm((...x) => batchNorm.batchNormPoolTraining(...x, { poolSize: 3, strides: 2, pad: 'same' }).y),
    'layer norm': () => norm(layerNorm),
    'attention': () => gradients((...qkv) => multiHeadSpikingAttention(...qkv, { numHeads: 4 }), [1, 2, 3].map(() => spikes(maps))),
  };
  for (const [name, run] of Object.entries(cases)) {
    const sums = tf.tidy(() => run().map((x) => crc32(new Uint8Array(x.dataSync().slice().buffer))));
    console.log(name, ...sums);
  }
`;

describeNativeOps('the native ops', () => {
  test('compute the same bits with any number of threads', () => {
    const [one, ...others] = ['1', '2', '5'].map((threads) => {
      const { status, stdout, stderr } = runScript(script, [], { TF_NUM_INTRAOP_THREADS: threads });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      return stdout.trim().split('\n');
    });
    expect(one).toHaveLength(14);
    for (const other of others) expect(other).toEqual(one);
  }, 120_000);
});
