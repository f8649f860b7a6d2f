/** The parts of tfjs-node's backend that the kernels here use; it runs single TensorFlow ops by name. */
import * as tf from '@tensorflow/tfjs';
import { engine, type OpAttr, type TensorflowBackend } from '../../tfjs_internals';

/** The started backend `tensorflow`, if this process has it. */
export function tensorflowBackend(): TensorflowBackend | undefined {
  // Another package's backend of that name may lack what we call.
  const backend = engine().registry.tensorflow as Partial<TensorflowBackend> | undefined;
  const runsOps = typeof backend?.executeMultipleOutputs === 'function' && backend.binding;
  return runsOps ? (backend as TensorflowBackend) : undefined;
}

/** Attributes by name: `floats` are rounded to float32. */
export function opAttrs(
  { binding }: TensorflowBackend,
  attrs: {
    floats?: Record<string, number>;
    ints?: Record<string, number | number[]>;
    bools?: Record<string, boolean>;
    strings?: Record<string, string>;
    types?: Record<string, number>;
  },
): OpAttr[] {
  const of = (type: number, values: Record<string, OpAttr['value']> = {}) =>
    Object.entries(values).map(([name, value]) => ({ name, type, value }));
  return [
    ...of(binding.TF_ATTR_FLOAT, attrs.floats),
    ...of(binding.TF_ATTR_INT, attrs.ints),
    ...of(binding.TF_ATTR_BOOL, attrs.bools),
    ...of(binding.TF_ATTR_STRING, attrs.strings),
    ...of(binding.TF_ATTR_TYPE, attrs.types),
  ];
}

/** A kernel as tfjs calls it; temporary tensors are freed. */
export function kernel<Inputs, Attrs>(
  kernelName: string,
  run: (inputs: Inputs, backend: TensorflowBackend, attrs: Attrs) => tf.Tensor | tf.Tensor[],
): tf.KernelConfig {
  return {
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, backend, attrs }) =>
      tf.tidy(() => run(inputs as Inputs, backend as TensorflowBackend, attrs as unknown as Attrs)),
  };
}
