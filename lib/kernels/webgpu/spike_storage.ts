/**
 * Spikes as bits on webgpu, in training: between the forward pass and the gradient. Products and attention unpack them
 * for as long as they run.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import { isRecordingGradients, type WebGPUBackend, type WebGPURecord } from '../../tfjs_internals';
import { runStockKernel } from '../override';
import { bitsOf, SpikeRecord } from '../spike_storage';
import { compute, kernel } from './backend';

/** Below this many numbers, there is little to save. */
const WORTH = 1 << 12;

/** Whether to store spikes of that shape as bits. */
export function mayStoreAsBits(shape: number[]): boolean {
  const size = util.sizeFromShape(shape);
  return size % 32 === 0 && size >= WORTH && isRecordingGradients();
}

class WebGPUSpikes extends SpikeRecord implements WebGPURecord {
  readonly dtype = 'float32';
  /** What has been read. */
  values: unknown = null;
  /** The numbers, if anything has looked for them. */
  private buffer: unknown = null;

  constructor(
    private readonly backend: WebGPUBackend,
    private readonly dataId: object,
    shape: number[],
    words: TensorInfo,
  ) {
    super(shape, words);
  }

  get resource(): unknown {
    this.becomeNumbers();
    return this.buffer;
  }

  set resource(buffer: unknown) {
    this.buffer = buffer;
  }

  protected unpack(words: TensorInfo): void {
    const { dataId } = unpackSpikes(this.backend, words, this.shape);
    const made = this.backend.tensorMap.get(dataId);
    this.buffer = made.resource;
    made.resource = null;
    this.backend.disposeData(dataId);
    // The commands that fill the buffer have not been submitted.
    this.backend.commandQueueOwnedIds.add(this.dataId);
  }

  protected dispose({ dataId }: TensorInfo): void {
    this.backend.disposeData(dataId);
  }
}

const unpackSpikes = (backend: WebGPUBackend, words: TensorInfo, shape: number[]) =>
  compute(backend, {
    key: 'unpack_spikes',
    inputs: { words },
    outputShape: shape,
    threads: util.sizeFromShape(shape),
    body: 'result[index] = f32((bitcast<u32>(words[index >> 5u]) >> u32(index & 31)) & 1u);',
  });

/** Spikes of a multiple of 32, which it disposes of, as a float32 tensor that is stored as bits. */
export function storedAsBits(backend: WebGPUBackend, spikes: TensorInfo): TensorInfo {
  const { shape } = spikes;
  const count = util.sizeFromShape(shape) / 32;
  const words = compute(backend, {
    key: 'pack_spikes',
    inputs: { spikes },
    outputShape: [count],
    dtype: 'int32',
    threads: count,
    body: `
      var word = 0u;
      for (var i = 0; i < 32; i++) { word |= u32(spikes[32 * index + i]) << u32(i); }
      result[index] = bitcast<i32>(word);`,
  });
  backend.disposeData(spikes.dataId);
  const dataId = {};
  backend.tensorMap.set(dataId, new WebGPUSpikes(backend, dataId, shape, words));
  return { dataId, shape, dtype: 'float32' };
}

/** Runs `body` with inputs that are numbers: of spikes that are stored as bits, only until it returns. */
export function withNumbers<T>(
  backend: WebGPUBackend,
  inputs: Record<string, TensorInfo>,
  body: (numbers: Record<string, TensorInfo>) => T,
): T {
  const made: TensorInfo[] = [];
  const numbers = Object.entries(inputs).map(([name, x]) => {
    const words = bitsOf(backend.tensorMap, x);
    if (!words) return [name, x];
    made.push(unpackSpikes(backend, words, x.shape));
    return [name, made.at(-1)!];
  });
  try {
    return body(Object.fromEntries(numbers));
  } finally {
    for (const { dataId } of made) backend.disposeData(dataId);
  }
}

/** tfjs's kernels of products and of their gradients. */
export const productOverrides: KernelConfig[] = [
  'Conv2D',
  'Conv2DBackpropFilter',
  'BatchMatMul',
].map((name) =>
  kernel<Record<string, TensorInfo>, object>(name, (inputs, backend, attrs) =>
    withNumbers(backend, inputs, (numbers) =>
      runStockKernel(name, 'webgpu', numbers, backend, attrs),
    ),
  ),
);
