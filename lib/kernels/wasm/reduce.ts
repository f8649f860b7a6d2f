/** Sums and means on wasm: tfjs transposes first, then adds one number after the other. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { heapView, pointer, withHeap } from './backend';
import { kernelsOf } from './module';
import { runStock } from './stock';

interface ReduceAttrs {
  axis: number | number[];
  keepDims: boolean;
}

/** x as [outer, reduce, inner], if the axes are adjacent (those of size 1 may be anywhere). */
function asThreeAxes(shape: number[], axes: number[]): [number, number, number] | undefined {
  const large = axes.filter((axis) => shape[axis] !== 1);
  const first = large[0] ?? 0;
  const end = large.length > 0 ? large[large.length - 1] + 1 : 0;
  const between = shape.slice(first, end).filter((n, i) => n !== 1 && !large.includes(first + i));
  if (between.length > 0) return undefined;
  return [
    util.sizeFromShape(shape.slice(0, first)),
    util.sizeFromShape(shape.slice(first, end)),
    util.sizeFromShape(shape.slice(end)),
  ];
}

function reduceOverride(kernelName: 'Sum' | 'Mean'): KernelConfig {
  const kernelFunc: KernelConfig['kernelFunc'] = (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const backend = args.backend as BackendWasm;
    const { axis, keepDims } = args.attrs as unknown as ReduceAttrs;
    const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
    const view = asThreeAxes(x.shape, axes);
    if (x.dtype !== 'float32' || !view) {
      return runStock(kernelName, { x }, backend, args.attrs as object);
    }
    const [outer, reduce, inner] = view;
    const shape = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
    return withHeap(backend, (heap) => {
      const out = heap.output(keepDims ? shape : shape.filter((_, i) => !axes.includes(i)));
      if (util.sizeFromShape(x.shape) === 0) {
        heapView(backend, out).fill(0); // tfjs leaves the previous memory contents there
        return out;
      }
      const { sumMiddle, sumTrailing } = kernelsOf(backend);
      const [from, to] = [pointer(backend, x), pointer(backend, out)];
      const divisor = kernelName === 'Mean' ? reduce : 1;
      if (inner === 1) sumTrailing(from, to, outer, reduce, divisor);
      else sumMiddle(from, to, outer, reduce, inner, divisor);
      return out;
    });
  };
  return { kernelName, backendName: 'wasm', kernelFunc };
}

export const sumOverride = reduceOverride('Sum');
export const meanOverride = reduceOverride('Mean');
