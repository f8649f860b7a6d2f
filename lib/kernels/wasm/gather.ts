/** Gathering on wasm, in copies of whole slices: tfjs's kernel computes the position of every single element. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { backend_util, type Tensor, util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { pointer, withHeap } from './backend';

/** Elements of a slice from which on a call that copies memory takes less time than a loop. */
const LONG = 16;

export const gatherOverride: KernelConfig = {
  kernelName: 'GatherV2',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x, indices } = args.inputs as { x: TensorInfo; indices: TensorInfo };
    const { axis, batchDims } = args.attrs as { axis: number; batchDims: number };
    const backend = args.backend as BackendWasm;
    const [along] = util.parseAxisParam(axis, x.shape);
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      backend_util.segment_util.collectGatherOpShapeInfo(
        x as Tensor,
        indices as Tensor,
        along!,
        batchDims,
      );
    const places = backend.readSync(indices.dataId);
    for (const place of places) {
      const inside = place >= 0 && place < dimSize;
      util.assert(inside, () => `GatherV2: the index value ${place} is not in [0, ${dimSize - 1}]`);
    }
    const each = places.length / batchSize;
    return withHeap(backend, ({ output }) => {
      const out = output(outputShape, x.dtype);
      const size = util.bytesPerElement(x.dtype);
      const from = pointer(backend, x) / size;
      const { buffer } = backend.wasm.HEAPF32; // after the last allocation
      const memory = size === 4 ? new Int32Array(buffer) : new Uint8Array(buffer);
      let to = pointer(backend, out) / size;
      for (let outer = 0; outer < batchSize * outerSize; outer++) {
        const first = Math.floor(outer / outerSize) * each;
        for (let i = first; i < first + each; i++, to += sliceSize) {
          const start = from + (outer * dimSize + places[i]!) * sliceSize;
          if (sliceSize < LONG) {
            for (let k = 0; k < sliceSize; k++) memory[to + k] = memory[start + k]!;
          } else {
            memory.copyWithin(to, start, start + sliceSize);
          }
        }
      }
      return out;
    });
  },
};
