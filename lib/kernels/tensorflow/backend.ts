/** What the kernels here use of tfjs-node's backend, which runs single TensorFlow ops by name. */
import * as tf from '@tensorflow/tfjs';

/** Values of TensorFlow's TF_AttrType. */
interface Binding {
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_STRING: number;
  TF_ATTR_TYPE: number;
  TF_FLOAT: number;
  /** TensorFlow's version. */
  TF_Version: string;
}

export interface OpAttr {
  name: string;
  type: number;
  value: number | boolean | string | number[];
}

export interface TensorflowBackend extends tf.KernelBackend {
  binding: Binding;
  /** Of tfjs-node-gpu, whether or not it has found a GPU. */
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attrs: OpAttr[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** The started backend `tensorflow`, if this process has it. */
export function tensorflowBackend(): TensorflowBackend | undefined {
  // Another package's backend of that name may lack what we call.
  const backend = tf.engine().registry.tensorflow as Partial<TensorflowBackend> | undefined;
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

/** A kernel as tfjs calls it; what is made on the way is freed. */
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
