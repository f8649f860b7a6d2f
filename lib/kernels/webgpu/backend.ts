/** Runs our compute programs on tfjs's WebGPUBackend. */
import type { DataType, KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { WebGPUBackend, WebGPUProgram } from '../../tfjs_internals';

/** Threads per workgroup: whole warps and waves on every GPU, and enough groups for small tensors. */
const WORKGROUP = 64;

export interface Compute {
  /** What distinguishes this program's code from any other's. */
  key: string;
  /** The arrays that the code reads, by name. */
  inputs: Record<string, TensorInfo>;
  /** The shape of `result`, the array that the code writes. */
  outputShape: number[];
  /** Type of `result`. Default float32. */
  dtype?: DataType;
  /** How often `body` runs; `index` counts from 0. */
  threads: number;
  floats?: Record<string, number>;
  ints?: Record<string, number>;
  functions?: string;
  /** Statements. All arrays are flat; numbers are `uniforms.name`. */
  body: string;
}

/** Whether it is float32 in name only: tfjs's cast from booleans and integers leaves their bits unchanged. */
function isFloatByName(backend: WebGPUBackend, { dataId, dtype }: TensorInfo): boolean {
  return dtype === 'float32' && backend.tensorMap.get(dataId).dtype !== 'float32';
}

/** Converts those to real float32. */
export function asFloats(backend: WebGPUBackend, x: TensorInfo): TensorInfo {
  return run(backend, {
    key: 'as_floats',
    inputs: { x },
    outputShape: x.shape,
    threads: util.sizeFromShape(x.shape),
    body: 'result[index] = f32(x[index]);',
  });
}

/** Runs a program in one dispatch, plus one for each input that is float32 in name only. */
export function compute(backend: WebGPUBackend, c: Compute): TensorInfo {
  const made: TensorInfo[] = [];
  const inputs = Object.entries(c.inputs).map(([name, x]) => {
    if (!isFloatByName(backend, x)) return [name, x];
    made.push(asFloats(backend, x));
    return [name, made.at(-1)!];
  });
  const y = run(backend, { ...c, inputs: Object.fromEntries(inputs) });
  for (const { dataId } of made) backend.disposeData(dataId);
  return y;
}

function run(backend: WebGPUBackend, c: Compute): TensorInfo {
  const flat = (tensor: TensorInfo): TensorInfo => ({
    ...tensor,
    shape: [util.sizeFromShape(tensor.shape)],
  });
  const floats = Object.entries(c.floats ?? {});
  const ints = Object.entries({ ...c.ints, threads: c.threads });
  const program: WebGPUProgram = {
    outputShape: [util.sizeFromShape(c.outputShape)],
    shaderKey: `spikingformer_${c.key}`,
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(c.threads / WORKGROUP), 1, 1],
    workgroupSize: [WORKGROUP, 1, 1],
    variableNames: Object.keys(c.inputs),
    uniforms: [
      'zero : u32',
      ...floats.map(([name]) => `${name} : f32`),
      ...ints.map(([name]) => `${name} : i32`),
      '',
    ].join(', '),
    getUserCode: () =>
      `${c.functions ?? ''}
       fn main(index : i32) { if (index < uniforms.threads) { ${c.body} } }`,
  };
  const { dataId, dtype } = backend.runWebGPUProgram(
    program,
    Object.values(c.inputs).map(flat),
    c.dtype ?? 'float32',
    [
      { type: 'uint32', data: [0] },
      ...floats.map(([, value]) => ({ type: 'float32' as const, data: [value] })),
      ...ints.map(([, value]) => ({ type: 'int32' as const, data: [value] })),
    ],
  );
  return { dataId, dtype, shape: c.outputShape };
}

const watched = new WeakSet<WebGPUBackend>();
const lost = new WeakMap<WebGPUBackend, string>();

/** Throws if the device is lost: WebGPU itself continues without an error, and reads zeros. */
function checkDevice(backend: WebGPUBackend): void {
  if (!watched.has(backend)) {
    watched.add(backend);
    backend.device.lost.then(({ reason, message }) => lost.set(backend, message || reason));
  }
  const why = lost.get(backend);
  if (why === undefined) return;
  throw new Error(
    `The webgpu device was lost (${why}), and its tensors with it: choose a backend again, and reload ` +
      'the model and its data',
  );
}

/** A kernel of this backend. */
export function kernel<Inputs, Attrs>(
  kernelName: string,
  run: (inputs: Inputs, backend: WebGPUBackend, attrs: Attrs) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, backend, attrs }) => {
      checkDevice(backend as WebGPUBackend);
      return run(inputs as Inputs, backend as WebGPUBackend, attrs as Attrs);
    },
  };
}
