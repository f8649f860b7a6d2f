/** Axes of length 0: empty results, or errors that say what is missing; on no backend a trap, or what memory held before. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { conv2d, depthwiseConv2d, spikeConv2d, spikeLinear } from '../../lib/spike_conv';
import { describeEachBackend, onGPU } from '../support/backends';

describeEachBackend('axes of length 0', (backend) => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  test.each([[[2, 3, 0]], [[0, 3, 4]], [[2, 0, 4]]])('batch norm of %j', (shape) => {
    const [gamma, beta] = [tf.ones([shape.at(-1)!]), tf.zeros([shape.at(-1)!])];
    expect(() => spiking.batchNormTraining(tf.zeros(shape), gamma, beta)).toThrow(
      `x must be of at least one value per channel, but got [${shape}]`,
    );
  });

  test('a layer of batch norm in training', () => {
    const layer = spiking.layers.batchNormOverTime();
    expect(() => layer.apply(tf.zeros([2, 3, 0]), { training: true })).toThrow(/must be/);
  });

  test.each([[[0, 4, 3]], [[2, 4, 0]]])('neurons of %j', (shape) => {
    const { spikes, v } = spiking.multiStepLIFState(tf.zeros(shape));
    expect([spikes.shape, v.shape]).toEqual([shape, [shape[0], shape[2]]]);
    expect(tf.grad((x) => spiking.multiStepLIF(x))(tf.zeros(shape)).shape).toEqual(shape);
  });

  test('no time steps', () => {
    const message = 'x must be of at least one time step, but got [2,0,3]';
    expect(() => spiking.multiStepLIF(tf.zeros([2, 0, 3]))).toThrow(message);
    expect(() => spiking.neuronTrace(tf.zeros([2, 0, 3]))).toThrow(message);
  });

  // Convolutions and sums are tfjs's own on GPUs.
  const own = onGPU(backend) ? test.skip : test;
  own('a convolution of no channels leaves the shift', () => {
    const affine = { scale: tf.ones([2]), shift: tf.tensor1d([1, 2]) };
    const y = spikeConv2d(tf.zeros([1, 1, 2, 0]), tf.ones([3, 3, 0, 2]), affine);
    expect([...y.dataSync()]).toEqual([1, 2, 1, 2]);
  });

  own('a linear map of no channels leaves the shift', () => {
    const affine = { scale: tf.ones([2]), shift: tf.tensor1d([1, 2]) };
    const y = spikeLinear(tf.zeros([1, 3, 0]), tf.ones([0, 2]), affine);
    expect(y.shape).toEqual([1, 3, 2]);
    expect([...y.dataSync()]).toEqual([1, 2, 1, 2, 1, 2]);
  });

  own('no images: every result has its own shape, every gradient that of its input', () => {
    const shapesOf = (
      f: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor,
      w: tf.Tensor,
      ...x: number[]
    ) => {
      const loss = (x: tf.Tensor, w: tf.Tensor) => f(x, w).sum().asScalar();
      const gradients = tf.grads(loss)([tf.zeros(x), w]);
      expect([...gradients[1]!.dataSync()].every((g) => g === 0)).toBe(true);
      return [f(tf.zeros(x), w), ...gradients].map(({ shape }) => shape.join());
    };
    const kernel = tf.ones([3, 3, 2, 4]);
    const conv = (x: tf.Tensor, w: tf.Tensor) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 1);
    expect(shapesOf(conv, kernel, 0, 4, 4, 2)).toEqual(['0,4,4,4', '0,4,4,2', '3,3,2,4']);
    const linear = (x: tf.Tensor, w: tf.Tensor) => x.matMul(w);
    expect(shapesOf(linear, tf.ones([3, 5]), 0, 3)).toEqual(['0,5', '0,3', '3,5']);
    const depthwise = (x: tf.Tensor, w: tf.Tensor) =>
      depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D);
    expect(shapesOf(depthwise, tf.ones([3, 3, 1, 2]), 0, 4, 4, 2)).toEqual([
      ...['0,4,4,2', '0,4,4,2', '3,3,1,2'],
    ]);
  });

  own('no images at inference', () => {
    const affine = { scale: tf.ones([4]), shift: tf.zeros([4]) };
    const images = spikeConv2d(tf.zeros([0, 4, 4, 2]), tf.ones([3, 3, 2, 4]), affine);
    expect(images.shape).toEqual([0, 4, 4, 4]);
    expect(spikeLinear(tf.zeros([0, 3, 2]), tf.ones([2, 4]), affine).shape).toEqual([0, 3, 4]);
    expect(
      tf.grad((x) => spiking.maxPool2d(x as tf.Tensor4D))(tf.zeros([0, 4, 4, 2])).shape,
    ).toEqual([0, 4, 4, 2]);
  });

  own('pools and sums', () => {
    expect(spiking.maxPool2d(tf.zeros([0, 4, 4, 2])).shape).toEqual([0, 2, 2, 2]);
    expect(spiking.maxPool2d(tf.zeros([1, 4, 4, 0])).shape).toEqual([1, 2, 2, 0]);
    expect([...tf.zeros([0, 3]).sum(0).dataSync()]).toEqual([0, 0, 0]);
    expect([...tf.zeros([3, 0]).sum(1).dataSync()]).toEqual([0, 0, 0]);
  });
});

const wasm = tf.findBackendFactory('wasm') ? test : test.skip;
wasm('wasm: a tensor that found no memory is an error that says so', async () => {
  await tf.setBackend('wasm');
  const x = tf.zeros([1, 2, 4]);
  const data = (
    tf.backend() as unknown as { dataIdMap: { get(id: object): { memoryOffset: number } } }
  ).dataIdMap.get(x.dataId);
  const offset = data.memoryOffset;
  data.memoryOffset = 0; // what tfjs keeps of a failed allocation
  expect(() => spiking.multiStepLIF(x)).toThrow(
    /out of memory: it cannot allocate a tensor of shape \[1,2,4\]/,
  );
  data.memoryOffset = offset;
  x.dispose();
});
