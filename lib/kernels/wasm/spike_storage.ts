/**
 * Spikes as bits on wasm, of which 16 channels lie side by side. They become numbers whenever a kernel looks for the
 * tensor's place in the heap, which may grow.
 */
import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs';
import type { BackendWasm, WasmRecord } from '../../tfjs_internals';
import { bitsOf, SpikeRecord } from '../spike_storage';
import { type Heap, isThreaded, pointer } from './backend';
import { kernelsOf } from './module';
import { runStock } from './stock';

/** Below this many numbers, there is little to save. */
const WORTH = 1 << 12;

/** Whether to store spikes of that shape as bits: with threads, tfjs's kernels read them, which need numbers. */
export function mayStoreAsBits(backend: BackendWasm, shape: number[]): boolean {
  return shape.at(-1)! % 16 === 0 && util.sizeFromShape(shape) >= WORTH && !isThreaded(backend);
}

class WasmSpikes extends SpikeRecord implements WasmRecord {
  readonly dtype = 'float32';
  /** Where the numbers are. */
  private numbers: Pick<WasmRecord, 'id' | 'memoryOffset'> = { id: 0, memoryOffset: 0 };

  constructor(
    private readonly backend: BackendWasm,
    shape: number[],
    words: TensorInfo,
  ) {
    super(shape, words);
  }

  get id(): number {
    this.becomeNumbers();
    return this.numbers.id;
  }

  get memoryOffset(): number {
    this.becomeNumbers();
    return this.numbers.memoryOffset;
  }

  protected unpack(words: TensorInfo): void {
    const { backend } = this;
    const made = backend.makeOutput(this.shape, 'float32');
    try {
      unpackInto(backend, words, made);
      this.numbers = backend.dataIdMap.get(made.dataId);
    } catch (error) {
      backend.disposeData(made.dataId);
      throw error;
    }
    backend.dataIdMap.delete(made.dataId);
  }

  protected dispose({ dataId }: TensorInfo): void {
    this.backend.disposeData(dataId);
  }
}

function unpackInto(backend: BackendWasm, words: TensorInfo, to: TensorInfo): void {
  const at = pointer(backend, to);
  kernelsOf(backend).unpackSpikes(pointer(backend, words), util.sizeFromShape(to.shape), at);
}

/** A float32 tensor of that shape, stored as bits, which it owns: 32 in each int32. */
export function storedAsBits(backend: BackendWasm, words: TensorInfo, shape: number[]): TensorInfo {
  const dataId = {};
  backend.dataIdMap.set(dataId, new WasmSpikes(backend, shape, words));
  return { dataId, shape, dtype: 'float32' };
}

/** Memory for so many bits. */
export const wordsFor = (heap: Heap, shape: number[]): TensorInfo =>
  heap.output([Math.ceil(util.sizeFromShape(shape) / 32)], 'int32');

/** An input of a kernel that takes numbers, or spikes as bits of so many channels. */
export interface SpikeInput {
  at: number;
  /** 1 or 0: whether those are bits. */
  packed: number;
}

/** Where the numbers or the bits of x are, of so many channels. */
export function spikeInput(backend: BackendWasm, x: TensorInfo, channels: number): SpikeInput {
  const words = channels % 16 === 0 ? bitsOf(backend.dataIdMap, x) : undefined;
  return { at: pointer(backend, words ?? x), packed: Number(words !== undefined) };
}

/** How many of the first `count` of x are not zero, a multiple of 16 if x is stored as bits. */
export function countNonZero(backend: BackendWasm, x: TensorInfo, count: number): number {
  const words = bitsOf(backend.dataIdMap, x);
  const { countBits, countNonZero } = kernelsOf(backend);
  return words
    ? countBits(pointer(backend, words), count)
    : countNonZero(pointer(backend, x), count);
}

/**
 * Kernels of tfjs that take a view of the heap before they look up where an input lies. Bits that become numbers then
 * may make the heap grow, which detaches the view: they become numbers before.
 */
export const numbersFirst: KernelConfig[] = ['Cast', 'Concat'].map((kernelName) => ({
  kernelName,
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const given = inputs as unknown as Record<string, TensorInfo>;
    for (const x of Object.values(given)) pointer(backend as BackendWasm, x);
    return runStock(kernelName, given, backend as BackendWasm, attrs);
  },
}));
