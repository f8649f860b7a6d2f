/**
 * A backend of TensorFlow.js that computes nothing: each kernel that a network calls becomes nodes of an ONNX graph. So
 * any layer whose kernels are in the table can be exported, whatever its family.
 */
import * as tf from '@tensorflow/tfjs';
import { runKernel } from '../../lib/kernels';
import { present } from '../../lib/kernels/kernel';
import { fold } from './_fold';
import type { Data, Graph, Value } from './_graph';

/** What one call of a kernel becomes: its inputs by name, or '0', '1', ... of a list. */
export type Translation = (
  graph: Graph,
  inputs: Record<string, Value>,
  attrs: Record<string, unknown>,
) => Value | Value[];

const NAME = 'onnx-export';
const INPUT = 'OnnxInput';

/** Values of tensors that lie in other backends, by what tfjs knows them by. */
export type Known = ReadonlyMap<object, { name: string; data: Data }>;

class Recorder extends tf.KernelBackend {
  private readonly values = new WeakMap<object, Value>();

  constructor(
    readonly graph: Graph,
    private readonly known: Known,
  ) {
    super();
  }

  override write(data: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.tensorOf(this.graph.constant(data as Data, shape, dtype)).dataId;
  }

  tensorOf(value: Value): tf.TensorInfo {
    const dataId = {};
    this.values.set(dataId, value);
    return { dataId, shape: value.shape, dtype: value.dtype };
  }

  /** That of a tensor; one that is of another backend is a constant. */
  lookUp(tensor: tf.Tensor): Value {
    const { dataId, shape, dtype } = tensor;
    const here = this.values.get(dataId);
    if (here) return here;
    const { name, data } = this.known.get(dataId) ?? { data: tensor.dataSync() };
    const value = this.graph.constant(data as Data, shape, dtype, name);
    this.values.set(dataId, value);
    return value;
  }

  override readSync(): never {
    throw new Error(
      'it reads the numbers of a tensor in its call, which are unknown until it runs',
    );
  }

  override disposeData(): boolean {
    return true;
  }

  override numDataIds(): number {
    return 0;
  }

  override dispose(): void {}

  override floatPrecision(): 32 {
    return 32;
  }
}

function kernel(name: string, translate: Translation): tf.KernelConfig {
  const kernelFunc = ({ inputs, attrs, backend }: Record<string, unknown>) => {
    const recorder = backend as Recorder;
    const { graph } = recorder;
    const values = Object.fromEntries(
      Object.entries(present(inputs as tf.NamedTensorMap)).map(([key, x]) => [
        key,
        recorder.lookUp(x),
      ]),
    );
    const output = fold(name, graph, values) ?? translate(graph, values, (attrs ?? {}) as never);
    return Array.isArray(output)
      ? output.map((one) => recorder.tensorOf(one))
      : recorder.tensorOf(output);
  };
  return {
    kernelName: name,
    backendName: NAME,
    kernelFunc: kernelFunc as unknown as tf.KernelFunc,
  };
}

/** An input of the network: called as a kernel, since tfjs makes no tensor without numbers otherwise. */
const input: Translation = (graph, _, attrs) => {
  const { name, shape, dtype } = attrs as { name: string; shape: number[]; dtype: tf.DataType };
  return graph.input(name, shape, dtype);
};

/** Runs `run` on this backend; the one that was current is so again after it. */
export function record(
  graph: Graph,
  kernels: Readonly<Record<string, Translation>>,
  known: Known,
  run: (recording: Recording) => void,
): void {
  const before = tf.getBackend();
  const recorder = new Recorder(graph, known);
  tf.registerBackend(NAME, () => recorder, 0);
  for (const [name, translate] of Object.entries({ ...kernels, [INPUT]: input })) {
    if (!tf.getKernel(name, NAME)) tf.registerKernel(kernel(name, translate));
  }
  try {
    tf.setBackend(NAME); // At once, as is the way back: both have started.
    tf.tidy(() => {
      run({
        input: (name, shape, dtype) => runKernel<tf.Tensor>(INPUT, {}, { name, shape, dtype }),
        lookUp: (tensor) => recorder.lookUp(tensor),
      });
    });
  } finally {
    tf.setBackend(before);
    tf.removeBackend(NAME);
    for (const { kernelName } of tf.getKernelsForBackend(NAME))
      tf.unregisterKernel(kernelName, NAME);
  }
}

export interface Recording {
  /** A tensor that stands for an input of the network. */
  input(name: string, shape: number[], dtype: tf.DataType): tf.Tensor;
  /** What a tensor of the recorded network is in the graph. */
  lookUp(tensor: tf.Tensor): Value;
}
