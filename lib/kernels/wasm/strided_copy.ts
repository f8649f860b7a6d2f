/**
 * Transposing, tiling, slicing and splitting on wasm: tfjs's kernels compute the position of every single element or, of
 * a slice, of every row.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { backend_util, slice_util, type Tensor, util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { type Heap, pointer, withHeap } from './backend';
import { kernelsOf } from './module';
import { runStock } from './stock';

/** An axis of the result, and the distance in x between its elements; 0 repeats. */
interface Axis {
  size: number;
  stride: number;
}

/** The same walk over x with as few axes as possible. */
function merge(axes: Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const outer = merged[merged.length - 1];
    if (outer && outer.stride === axis.stride * axis.size) {
      merged[merged.length - 1] = { size: outer.size * axis.size, stride: axis.stride };
    } else {
      merged.push(axis);
    }
  }
  return merged;
}

/** Prepends axes until there are `count`. */
function pad(axes: Axis[], count: number): Axis[] {
  return [...Array.from({ length: count - axes.length }, () => ({ size: 1, stride: 0 })), ...axes];
}

/** Copies x, from its element `first` on, into `out` along the axes; false if there are too many. */
function copy(
  backend: BackendWasm,
  x: TensorInfo,
  out: TensorInfo,
  axes: Axis[],
  first: number,
): boolean {
  const walk = merge(axes);
  const [from, to] = [pointer(backend, x) + 4 * first, pointer(backend, out)];
  const inner = walk[walk.length - 1];
  const rows = walk[walk.length - 2];
  if (rows?.stride === 1 && inner.stride > 1 && walk.length <= 4) {
    const [a, b, cols] = pad(walk.slice(0, -1), 3);
    const strides = [a, b, inner].map(({ stride }) => stride * 4);
    const sizes = [a, b, cols, inner].map(({ size }) => size);
    kernelsOf(backend).transposeStrided(from, to, ...sizes, ...strides);
    return true;
  }
  const run = inner?.stride === 1 ? walk.pop()!.size : 1;
  if (walk.length > 4) return false;
  const outer = pad(walk, 4);
  const sizes = outer.map(({ size }) => size);
  kernelsOf(backend).copyStrided(from, to, ...sizes, run, ...outer.map(({ stride }) => stride * 4));
  return true;
}

/** The result of a copy, or undefined if only tfjs's kernel can make it. */
function copied(
  backend: BackendWasm,
  heap: Heap,
  x: TensorInfo,
  axes: Axis[],
  { shape = axes.map(({ size }) => size), first = 0 } = {},
): TensorInfo | undefined {
  if (!isCopied(x)) return undefined;
  const out = heap.output(shape, x.dtype);
  if (util.sizeFromShape(shape) === 0 || copy(backend, x, out, axes, first)) return out;
  backend.disposeData(out.dataId);
  return undefined;
}

const isCopied = ({ dtype }: TensorInfo) => dtype === 'float32' || dtype === 'int32';

function axesOf({ shape }: TensorInfo): Axis[] {
  return shape.map((size, i) => ({ size, stride: util.sizeFromShape(shape.slice(i + 1)) }));
}

export const tileOverride: KernelConfig = {
  kernelName: 'Tile',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const { reps } = args.attrs as unknown as { reps: number[] };
    const backend = args.backend as BackendWasm;
    const shape = x.shape.map((n, i) => n * reps[i]);
    const axes = axesOf(x).flatMap((axis, i) => [{ size: reps[i], stride: 0 }, axis]);
    const result = withHeap(backend, (heap) => copied(backend, heap, x, axes, { shape }));
    return result ?? runStock('Tile', { x }, backend, { reps });
  },
};

export const transposeOverride: KernelConfig = {
  kernelName: 'Transpose',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const { perm } = args.attrs as unknown as { perm: number[] };
    const backend = args.backend as BackendWasm;
    const own = axesOf(x);
    const axes = perm.map((i) => own[i]);
    // Nothing moves: tfjs shares the data.
    const moves = merge(axes).length > 1;
    const result = moves ? withHeap(backend, (heap) => copied(backend, heap, x, axes)) : undefined;
    return result ?? runStock('Transpose', { x }, backend, { perm });
  },
};

/** The box of x that begins there, or undefined if only tfjs's kernel can make it. */
function box(backend: BackendWasm, heap: Heap, x: TensorInfo, begin: number[], sizes: number[]) {
  const own = axesOf(x);
  const first = own.reduce((sum, { stride }, i) => sum + begin[i] * stride, 0);
  const axes = own.map(({ stride }, i) => ({ size: sizes[i], stride }));
  return copied(backend, heap, x, axes, { first });
}

export const sliceOverride: KernelConfig = {
  kernelName: 'Slice',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const { begin, size } = args.attrs as unknown as { begin: number[]; size: number[] };
    const backend = args.backend as BackendWasm;
    const [from, sizes] = slice_util.parseSliceParams(x as Tensor, begin, size);
    slice_util.assertParamsValid(x as Tensor, from, sizes);
    const result = withHeap(backend, (heap) => box(backend, heap, x, from, sizes));
    return result ?? runStock('Slice', { x }, backend, { begin, size });
  },
};

export const splitOverride: KernelConfig = {
  kernelName: 'SplitV',
  backendName: 'wasm',
  kernelFunc: (args) => {
    const { x } = args.inputs as { x: TensorInfo };
    const { axis, numOrSizeSplits } = args.attrs as unknown as {
      axis: number;
      numOrSizeSplits: number | number[];
    };
    const backend = args.backend as BackendWasm;
    if (!isCopied(x)) return runStock('SplitV', { x }, backend, { axis, numOrSizeSplits });
    const [along] = util.parseAxisParam(axis, x.shape);
    const begin = x.shape.map(() => 0);
    return withHeap(backend, (heap) =>
      backend_util.prepareSplitSize(x as Tensor, numOrSizeSplits, along).map((each) => {
        const sizes = x.shape.map((n, i) => (i === along ? each : n));
        const part = box(backend, heap, x, begin, sizes)!; // of at most two axes, once merged
        begin[along] += each;
        return part;
      }),
    );
  },
};
