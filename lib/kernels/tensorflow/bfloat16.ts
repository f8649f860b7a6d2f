/**
 * TensorFlow's products in bfloat16, for gradients that may lose digits: factors and results are rounded to the nearest
 * bfloat16, ties to even, and sums are float32. oneDNN, in TensorFlow, computes them by AMX or AVX512-BF16. tfjs has no
 * such tensors, so that they exist between TensorFlow's ops only.
 */
import type { Tensor, TensorInfo } from '@tensorflow/tfjs';
import type { OpAttr, TensorflowBackend } from '../../tfjs_internals';
import { opAttrs, tensorflowBackend } from './backend';
import { nativeOpsInUse, usesAvx512 } from './native_ops';

/** Of TensorFlow's TF_DataType; tfjs-node's binding does not name it. */
const TF_BFLOAT16 = 14;

/** Why the current backend has no fast products in bfloat16; undefined: it has. */
export function whyNoBfloat16(): string | undefined {
  const ops = nativeOpsInUse();
  if (typeof ops === 'string') return ops;
  if (tensorflowBackend()!.isUsingGpuDevice) return 'TensorFlow computes on a GPU';
  if (ops.bfloat16) return undefined;
  if (usesAvx512(ops)) return 'the processor has neither AMX nor AVX512-BF16';
  return (
    `the native ops use ${ops.instructionSet}, the most that this processor has or ` +
    'SPIKINGFORMER_INSTRUCTION_SET allows'
  );
}

/**
 * Runs an op that has one output, with its float32 inputs rounded.
 *
 * @param attrs the op's attributes for a type of numbers
 */
export function runInBfloat16(
  backend: TensorflowBackend,
  name: string,
  attrs: (type: number) => OpAttr[],
  inputs: readonly TensorInfo[],
): Tensor {
  const { binding } = backend;
  const temporary: number[] = [];
  const run = (op: string, opAttributes: OpAttr[], ids: number[]) =>
    binding.executeOp(op, opAttributes, ids, 1)[0]!;
  const cast = (id: number, SrcT: number, DstT: number) =>
    run('Cast', opAttrs(backend, { types: { SrcT, DstT }, bools: { Truncate: false } }), [id]);
  const keep = ({ id }: { id: number }) => {
    temporary.push(id);
    return id;
  };
  try {
    const ids = backend
      .getInputTensorIds([...inputs])
      .map((id, i) =>
        inputs[i]!.dtype === 'float32' ? keep(cast(id, binding.TF_FLOAT, TF_BFLOAT16)) : id,
      );
    const rounded = keep(run(name, attrs(TF_BFLOAT16), ids));
    return backend.createOutputTensor(cast(rounded, TF_BFLOAT16, binding.TF_FLOAT));
  } finally {
    for (const id of temporary) binding.deleteTensor(id);
  }
}
