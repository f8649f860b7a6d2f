/** The self-test of the kernels on a GPU: it passes them on this CPU, and finds any that is wrong or comes too early. */
import * as tf from '@tensorflow/tfjs';
import type { OpAttr, TensorflowBackend } from '../../../lib/tfjs_internals';
import { proveOnGpu } from '../../../node/native/gpu_proof';
import { describeGpuOnCpu, gpuOnCpu } from '../../support/cuda_on_cpu';
import { expectNoLeak } from '../../support/leaks';

const short = { side: 16, times: 4 };

/** The backend with what `change` makes of an op's outputs. */
function changed(change: (name: string, made: tf.Tensor[]) => tf.Tensor[]): TensorflowBackend {
  const { executeMultipleOutputs } = gpuOnCpu;
  const run = (name: string, attrs: OpAttr[], inputs: tf.TensorInfo[], outputs: number) =>
    change(name, executeMultipleOutputs(name, attrs, inputs, outputs));
  return { ...gpuOnCpu, executeMultipleOutputs: run } as TensorflowBackend;
}

describeGpuOnCpu('the self-test of kernels on a GPU', () => {
  it('passes kernels that work', async () => {
    await expectNoLeak(() => expect(proveOnGpu(gpuOnCpu, short)).toBeUndefined());
  });

  it.each([
    ['MultiStepLif', 'spiking neurons: wrong numbers'],
    ['MultiStepLifGrad', 'spiking neurons: wrong numbers'],
    ['BatchNorm', 'batch norm: wrong numbers'],
    ['BatchNormGrad', 'batch norm: wrong numbers'],
    ['BatchNormLif', 'batch norm with neurons: wrong numbers'],
    ['BatchNormLifGrad', 'batch norm with neurons: wrong numbers'],
    ['FirstMaxPool', 'max pooling: wrong numbers'],
    ['FirstMaxPoolGrad', 'max pooling: wrong numbers'],
    ['Attention', 'attention: wrong numbers'],
    ['AttentionGrad', 'attention: wrong numbers'],
    ['AdamW', 'updates: wrong numbers'],
    ['Blend', 'updates: wrong numbers'],
    ['RunningStatistics', 'updates: wrong numbers'],
  ])('finds a wrong %s', (op, failure) => {
    const last = (made: tf.Tensor[]) => [...made.slice(0, -1), made.at(-1)!.mul(1.001).add(0.001)];
    const wrong = changed((name, made) => (name === `Spikingformer${op}` ? last(made) : made));
    expect(proveOnGpu(wrong, short)).toBe(failure);
  });

  it('finds neurons that run before their input is there', () => {
    let before: tf.Tensor[] | undefined;
    const early = changed((name, made) => {
      if (name !== 'SpikingformerMultiStepLif' || made[0]!.size !== short.side ** 2) return made;
      const stale = before ?? made;
      before = made.map((tensor) => tf.keep(tensor.clone()));
      return stale;
    });
    expect(proveOnGpu(early, short)).toBe(
      'kernels race: run 2 of 4 read spikes from 0 to 0, not 1',
    );
  });

  it('leaves no product behind in a gradient that is being taken', () => {
    const keptOf = (times: number) => {
      let kept = 0;
      const loss = (x: tf.Tensor) => {
        const before = tf.memory().numTensors;
        expect(proveOnGpu(gpuOnCpu, { ...short, times })).toBeUndefined();
        kept = tf.memory().numTensors - before;
        return x.square().asScalar();
      };
      tf.tidy(() => void tf.grad(loss)(tf.scalar(1)));
      return kept;
    };
    expect(keptOf(6)).toBe(keptOf(2));
  });

  it('repeats the error of an op that fails', () => {
    const fails = changed(() => {
      throw new Error("CUDA's driver does not load");
    });
    expect(proveOnGpu(fails, short)).toBe("CUDA's driver does not load");
  });
});
