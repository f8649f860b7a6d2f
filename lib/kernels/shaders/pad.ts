/**
 * Padding on GPUs for tensors with five axes or more, as in the gradient of slicing: tfjs's shaders do not compile for
 * them, on webgpu and webgl. It pads one axis after another, as three axes: before, padded, after.
 */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import { runStockKernel } from '../override';

export interface PadAttrs {
  paddings: [number, number][];
  constantValue: number;
}

const NONE: [number, number] = [0, 0];

function padAxis(
  x: TensorInfo,
  axis: number,
  padding: [number, number],
  constantValue: number,
  backend: KernelBackend,
  backendName: string,
): TensorInfo {
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const seen = [util.sizeFromShape(before), x.shape[axis]!, util.sizeFromShape(after)];
  const attrs = { paddings: [NONE, padding, NONE], constantValue };
  const y = runStockKernel('PadV2', backendName, { x: { ...x, shape: seen } }, backend, attrs);
  return { ...y, shape: [...before, y.shape[1]!, ...after] };
}

/** Replaces tfjs's PadV2 of that backend, for any number of axes. */
export function pad(
  x: TensorInfo,
  { paddings, constantValue }: PadAttrs,
  backend: KernelBackend,
  backendName: string,
): TensorInfo {
  const axes = [...paddings.keys()].filter((axis) => paddings[axis]!.some((n) => n > 0));
  if (x.shape.length < 5 || axes.length === 0) {
    return runStockKernel('PadV2', backendName, { x }, backend, { paddings, constantValue });
  }
  let y = x;
  for (const axis of axes) {
    const wider = padAxis(y, axis, paddings[axis]!, constantValue, backend, backendName);
    if (y !== x) backend.disposeData(y.dataId);
    y = wider;
  }
  return y;
}
