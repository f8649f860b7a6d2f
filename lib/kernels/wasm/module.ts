/**
 * Loads the kernels' WebAssembly module into the memory of tfjs's wasm backend: one instance per backend, made when its
 * first kernel runs.
 */
import type { BackendWasm } from '../../tfjs_internals';
import { moduleBytes } from './module_bytes';

/** What the module exports. Every argument is a number, addresses and counts alike. */
interface Exports extends Record<Kernel, (...args: number[]) => void> {
  /** 1 or 0. */
  areFinite(address: number, length: number): number;
  /** 1 or 0: whether every number is 0 or 1. */
  areSpikes(address: number, length: number): number;
  countNonZero(address: number, length: number): number;
  countBits(address: number, length: number): number;
  /** 1 or 0: whether the filter is finite. */
  spikeConvPack(filter: number, rows: number, outChannels: number, to: number): number;
}

type Kernel =
  | 'attention'
  | 'attentionGrad'
  | 'batchNormApply'
  | 'batchNormGradApply'
  | 'batchNormGradSums'
  | 'batchNormSums'
  | 'convDirect'
  | 'convFilterGrad'
  | 'convPackFlipped'
  | 'convPackForward'
  | 'copyStrided'
  | 'depthwiseConv'
  | 'depthwiseFilterGrad'
  | 'lif'
  | 'lifGrad'
  | 'matMul'
  | 'maxPool'
  | 'maxPoolGrad'
  | 'scaleAndShift'
  | 'sparseFilterGrad'
  | 'spikeConv'
  | 'sumMiddle'
  | 'sumTrailing'
  | 'transposeStrided'
  | 'unpackSpikes'
  | 'winogradConv'
  | 'winogradFilter';

/** A module with one function that drops a splatted vector: valid only if there is SIMD. */
const simdProbe = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26,
  11,
];

let simd: boolean | undefined;

/** Whether this engine can run the module, tested once; otherwise the composed forms run. */
export function simdSupported(): boolean {
  simd ??= typeof WebAssembly === 'object' && WebAssembly.validate(Uint8Array.from(simdProbe));
  return simd;
}

const HAS_MAXIMUM = 1;
const SHARED = 2;

/** The memory import's entry: two names, each after its length; kind 2, a memory; flags. */
const memoryImport = Uint8Array.from(
  `\x03env\x06memory\x02${String.fromCharCode(HAS_MAXIMUM)}`,
  (c) => c.charCodeAt(0),
);

/** Sets "shared" in the memory import of the binary: a module declares which kind of memory it runs on. */
function shareMemory(bytes: Uint8Array): void {
  const entry = bytes.findIndex((_, i) => memoryImport.every((byte, j) => bytes[i + j] === byte));
  bytes[entry + memoryImport.length - 1] = HAS_MAXIMUM | SHARED;
}

const compiled = new Map<boolean, WebAssembly.Module>();

function compile(shared: boolean): WebAssembly.Module {
  let module = compiled.get(shared);
  if (!module) {
    const bytes = Uint8Array.from(moduleBytes.match(/../g) as string[], (hex) => parseInt(hex, 16));
    if (shared) shareMemory(bytes);
    module = new WebAssembly.Module(bytes);
    compiled.set(shared, module);
  }
  return module;
}

/** An instance over that memory, shared (the threaded build's) or not. */
export function instantiate(memory: WebAssembly.Memory): Exports {
  const shared =
    typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const instance = new WebAssembly.Instance(compile(shared), { env: { memory } });
  return instance.exports as unknown as Exports;
}

const instances = new WeakMap<BackendWasm, Exports>();

/** The kernels of that backend. */
export function kernelsOf(backend: BackendWasm): Exports {
  let exports = instances.get(backend);
  if (!exports) {
    const memory = backend.wasm.wasmMemory ?? backend.wasm.asm?.memory;
    if (!memory) {
      throw new Error(
        'The memory of the wasm backend was not found: this needs @tensorflow/tfjs-backend-wasm 4.x',
      );
    }
    exports = instantiate(memory);
    instances.set(backend, exports);
  }
  return exports;
}
