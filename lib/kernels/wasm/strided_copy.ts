/** Transposing and tiling on wasm: tfjs's kernels compute the position of every single element. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';
import { pointer, withHeap } from './backend';
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

/** Copies x into `out` along the axes; false if there are too many. */
function copy(backend: BackendWasm, x: TensorInfo, out: TensorInfo, axes: Axis[]): boolean {
  const walk = merge(axes);
  const [from, to] = [pointer(backend, x), pointer(backend, out)];
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
function copied(backend: BackendWasm, x: TensorInfo, shape: number[], axes: Axis[]) {
  if (x.dtype !== 'float32' && x.dtype !== 'int32') return undefined;
  return withHeap(backend, (heap) => {
    const out = heap.output(shape, x.dtype);
    if (util.sizeFromShape(shape) === 0 || copy(backend, x, out, axes)) return out;
    backend.disposeData(out.dataId);
    return undefined;
  });
}

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
    return copied(backend, x, shape, axes) ?? runStock('Tile', { x }, backend, { reps });
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
    const moved = merge(axes).length > 1;
    const result = moved
      ? copied(
          backend,
          x,
          axes.map(({ size }) => size),
          axes,
        )
      : undefined;
    return result ?? runStock('Transpose', { x }, backend, { perm });
  },
};
