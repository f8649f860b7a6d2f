/** A wasm backend for tests of where kernels write, and of what they free. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { SpikeRecord } from '../../../lib/kernels/spike_storage';
import { storedAsBits } from '../../../lib/kernels/wasm/spike_storage';
import type { BackendWasm, WasmRecord } from '../../../lib/tfjs_internals';
import { type Data, size } from './wasm_harness';

const PAGE = 65536;
const GUARD = 256;
const FENCE = 0xa5;

type Place = WasmRecord & { shape: number[] };

class Places extends Map<object, Place> {
  override get(dataId: object): Place {
    return super.get(dataId)!;
  }
}

/** A heap that never reuses memory, fences every allocation, and moves its views at each. */
export class FencedBackend implements BackendWasm {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  readonly wasm = { asm: { memory: this.memory }, HEAPF32: new Float32Array(this.memory.buffer) };
  readonly dataIdMap = new Places();
  private end = PAGE;
  private readonly frozen: { offset: number; bytes: Uint8Array }[] = [];

  constructor(private readonly allocations = Infinity) {}

  makeOutput(shape: number[], dtype: DataType): TensorInfo {
    if (this.dataIdMap.size >= this.allocations) throw new Error('out of memory');
    const bytes = size(shape) * 4;
    const memoryOffset = this.end + GUARD;
    this.end = Math.ceil((memoryOffset + bytes + GUARD) / 16) * 16;
    const pages = Math.ceil(this.end / PAGE) - this.memory.buffer.byteLength / PAGE;
    this.memory.grow(Math.max(1, pages));
    this.wasm.HEAPF32 = new Float32Array(this.memory.buffer);
    const all = new Uint8Array(this.memory.buffer);
    all.fill(FENCE, memoryOffset - GUARD, memoryOffset);
    all.fill(FENCE, memoryOffset + bytes, memoryOffset + bytes + GUARD);
    const dataId = {};
    this.dataIdMap.set(dataId, { id: 0, refCount: 1, memoryOffset, shape });
    return { dataId, shape, dtype };
  }

  /** An input: what lies there must not change. */
  write([values, shape]: Data): TensorInfo {
    const info = this.makeOutput(shape, 'float32');
    const { memoryOffset } = this.dataIdMap.get(info.dataId);
    this.wasm.HEAPF32.set(values, memoryOffset / 4);
    const bytes = new Uint8Array(this.memory.buffer).slice(
      memoryOffset,
      memoryOffset + values.length * 4,
    );
    this.frozen.push({ offset: memoryOffset, bytes });
    return info;
  }

  /** An input of spikes, stored as bits. */
  writeBits([values, shape]: Data): TensorInfo {
    const words = this.makeOutput([Math.ceil(size(shape) / 32)], 'int32');
    const first = this.dataIdMap.get(words.dataId).memoryOffset / 4;
    const all = new Int32Array(this.memory.buffer);
    for (let i = 0; i < size(shape); i++) all[first + (i >> 5)]! |= values[i]! << (i & 31);
    return storedAsBits(this, words, shape);
  }

  readSync(dataId: object): Float32Array {
    const { memoryOffset, shape } = this.dataIdMap.get(dataId);
    return this.wasm.HEAPF32.slice(memoryOffset / 4, memoryOffset / 4 + size(shape));
  }

  disposeData(dataId: object): boolean {
    if (!this.dataIdMap.has(dataId)) return true;
    const place = this.dataIdMap.get(dataId);
    place.refCount--;
    const { memoryOffset, shape } = place;
    if (memoryOffset > 0) this.checkFence(memoryOffset, 4 * size(shape));
    return this.dataIdMap.delete(dataId);
  }

  private checkFence(memoryOffset: number, bytes: number): void {
    const all = new Uint8Array(this.memory.buffer);
    const fence = [
      ...all.subarray(memoryOffset - GUARD, memoryOffset),
      ...all.subarray(memoryOffset + bytes, memoryOffset + bytes + GUARD),
    ];
    expect(fence.every((byte) => byte === FENCE)).toBe(true);
  }

  countTensors(): number {
    const records = [...this.dataIdMap.values()];
    const bits = records.filter((record) => record instanceof SpikeRecord && record.words);
    return records.length - bits.length;
  }

  checkInputs(): void {
    for (const { offset, bytes } of this.frozen) {
      const now = new Uint8Array(this.memory.buffer).subarray(offset, offset + bytes.length);
      expect(Buffer.compare(now, bytes)).toBe(0);
    }
  }
}
