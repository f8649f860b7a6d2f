/**
 * Everything taken from the private parts of TensorFlow.js, as of 4.22: check this file when you upgrade. What tfjs's
 * types declare, however little known (`invokeCallHook`, `fastWeightInitDuringBuild`'s setter), is not here.
 */
import * as tf from '@tensorflow/tfjs';

// ---- tfjs-core: the engine -------------------------------------------------------------------------

/** What the engine records for an operation; gradients receive its `saved` array. */
interface TapeNode {
  inputs: tf.NamedTensorMap;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
}

/** The part of the class Engine (tfjs-core/src/engine.ts) that is used here. */
interface Engine {
  /**
   * For the runners of kernels. It saves optional inputs for the gradient only if `inputs` is an array: see
   * `optionalInputs`.
   */
  runKernel(name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor | tf.Tensor[];
  /** For a neuron's gradient with a user's surrogate: an operation with several outputs and a custom gradient. */
  runKernelFunc(operation: {
    forwardFunc: () => tf.Tensor[];
    backwardsFunc: tf.GradFunc;
    inputs: tf.NamedTensorMap;
  }): tf.Tensor[];
  state: {
    /** How many gradients are being taken inside each other: 0 outside of any. */
    gradientDepth: number;
    /**
     * For lib/kernels/release_gradients.ts and analysis/check_backend.ts: what is recorded; null or undefined outside a
     * gradient.
     */
    activeTape?: TapeNode[] | null;
    /** For lib/kernels/release_gradients.ts: distinguishes one backward pass from another. */
    activeScope?: { id: number };
  };
  /** For lib/kernels/tensorflow/spike_storage.ts, as is the next: a tensor of data that a backend has. */
  makeTensorFromTensorInfo(info: tf.TensorInfo): tf.Tensor;
  /** To be called when a backend has freed data. */
  removeDataId(dataId: object, backend: tf.KernelBackend): void;
  /** Started backends by name; for lib/kernels/tensorflow. */
  registry: Record<string, tf.KernelBackend | undefined>;
  /** Backends that can be started; for the command. */
  registryFactory: Record<string, unknown>;
  /** All variables by name; for training/adamw.ts, which reads them as tfjs's optimizers do. */
  registeredVariables: Record<string, tf.Variable>;
}

export function engine(): Engine {
  return tf.engine() as unknown as Engine;
}

/** Inputs that may be missing, as an array so that the engine saves the given ones; it is still read by name. */
export function optionalInputs(inputs: tf.NamedTensorMap): tf.NamedTensorMap {
  return Object.assign([], inputs) as unknown as tf.NamedTensorMap;
}

/** Whether a gradient of the current computation may be asked for. */
export function isRecordingGradients(): boolean {
  return engine().state.gradientDepth > 0;
}

/** Whether a gradient of a gradient may be asked for. */
export function mayDifferentiateTwice(): boolean {
  return engine().state.gradientDepth > 1;
}

interface Globals {
  _tfGlobals?: Map<string, unknown>;
}

/** All kernels; for lib/kernels/install.ts, which looks at many before every operation: getKernel makes a name for each. */
export function kernelRegistry(): ReadonlyMap<unknown, tf.KernelConfig> {
  // tfjs takes the first global object that it finds; a worker with a polyfill of Node has two.
  const { process } = globalThis as unknown as { process?: Globals };
  const { _tfGlobals } = [globalThis as Globals, process].find((each) => each?._tfGlobals)!;
  return _tfGlobals!.get('kernelRegistry') as ReadonlyMap<unknown, tf.KernelConfig>;
}

// ---- The backends: the root of this library imports none, hence these types -------------------------

/**
 * The Emscripten module of tfjs-backend-wasm: the memory is in `asm` in the simd build, and `wasmMemory` in the
 * threaded one.
 */
interface EmscriptenModule {
  asm?: { memory?: WebAssembly.Memory };
  wasmMemory?: WebAssembly.Memory;
  /** Replaced whenever the heap grows: read it again after every allocation. */
  HEAPF32: Float32Array;
  tfjs?: { getThreadsCount(): number };
}

/** What BackendWasm has of a tensor. */
export interface WasmRecord {
  /** The number by which tfjs's own kernels find the memory. */
  readonly id: number;
  readonly memoryOffset: number;
  refCount: number;
}

/** BackendWasm (tfjs-backend-wasm/src/backend_wasm.ts); for lib/kernels/wasm. */
export interface BackendWasm {
  wasm: EmscriptenModule;
  dataIdMap: {
    get(dataId: object): WasmRecord;
    /** For lib/kernels/wasm/spike_storage.ts, as is the next. */
    set(dataId: object, record: WasmRecord): void;
    delete(dataId: object): boolean;
  };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  readSync(dataId: object): Int32Array | Float32Array;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** GPGPUProgram of tfjs-backend-webgl. */
export interface WebGLProgram {
  outputShape: number[];
  variableNames: string[];
  customUniforms: { name: string; type: 'float' | 'int' }[];
  userCode: string;
  packedInputs: boolean;
  packedOutput: boolean;
  enableShapeUniforms: boolean;
}

/** MathBackendWebGL (tfjs-backend-webgl/src/backend_webgl.ts); for lib/kernels/webgl. */
export interface WebGLBackend extends tf.KernelBackend {
  gpgpu: { gl: { isContextLost(): boolean } };
  texData: { get(dataId: object): { isPacked?: boolean } };
  /** Bits per number of a texture, from which `epsilon()` and `floatPrecision()` follow. */
  floatPrecisionValue?: number;
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: Float32Array): tf.TensorInfo;
  disposeIntermediateTensorInfo(tensor: tf.TensorInfo): void;
  unpackTensor(tensor: tf.TensorInfo): tf.TensorInfo;
  runWebGLProgram(
    program: WebGLProgram,
    inputs: tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: number[][],
  ): tf.TensorInfo;
}

/** WebGPUProgram of tfjs-backend-webgpu. */
export interface WebGPUProgram {
  outputShape: number[];
  shaderKey: string;
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  workgroupSize: [number, number, number];
  variableNames: string[];
  uniforms: string;
  getUserCode(): string;
}

/** What WebGPUBackend has of a tensor. */
export interface WebGPURecord {
  readonly dtype: tf.DataType;
  /** The buffer. */
  resource?: unknown;
  refCount: number;
}

/** WebGPUBackend (tfjs-backend-webgpu/src/backend_webgpu.ts); for lib/kernels/webgpu. */
export interface WebGPUBackend extends tf.KernelBackend {
  tensorMap: {
    get(dataId: object): WebGPURecord;
    /** For lib/kernels/webgpu/spike_storage.ts. */
    set(dataId: object, record: WebGPURecord): void;
  };
  /** Data that commands use which have not been submitted: it is freed after them. */
  commandQueueOwnedIds: { add(dataId: object): void };
  device: { lost: Promise<{ reason: string; message: string }> };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: Float32Array): tf.TensorInfo;
  runWebGPUProgram(
    program: WebGPUProgram,
    inputs: tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: { type: 'float32' | 'int32' | 'uint32'; data: number[] }[],
  ): tf.TensorInfo;
}

/** The parts of either GPU backend that report its loss; for lib/choose_backend.ts. */
export interface WatchableBackend {
  device?: WebGPUBackend['device'];
  gpgpu?: { gl: { canvas: EventTarget } };
}

/** An attribute of a TensorFlow op; `type` is one of `binding`'s. */
export interface OpAttr {
  name: string;
  type: number;
  value: number | boolean | string | number[];
}

/** TensorMetadata (tfjs-node/src/tfjs_binding.ts): a tensor of the binding; `dtype` is a TF_DataType. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** What NodeJSKernelBackend has of a tensor; for lib/kernels/tensorflow/spike_storage.ts. */
export interface TensorflowRecord {
  shape: number[];
  dtype: number;
  /** The tensor in TensorFlow, unless there are `values`, which are not there yet. */
  id: number;
  readonly values: unknown;
  refCount: number;
}

/** NodeJSKernelBackend (tfjs-node/src/nodejs_kernel_backend.ts); for lib/kernels/tensorflow. */
export interface TensorflowBackend extends tf.KernelBackend {
  /** Values of TensorFlow's TF_AttrType and TF_DataType. */
  binding: {
    TF_ATTR_INT: number;
    TF_ATTR_FLOAT: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_STRING: number;
    TF_ATTR_TYPE: number;
    TF_FLOAT: number;
    TF_INT32: number;
    /** TensorFlow's version. */
    TF_Version: string;
    /** For tensors of types that tfjs lacks, by their numbers in the binding. */
    executeOp(name: string, attrs: OpAttr[], ids: number[], outputs: number): TensorMetadata[];
    deleteTensor(id: number): void;
  };
  /** True for tfjs-node-gpu, whether or not it has found a GPU. */
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attrs: OpAttr[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  /** For lib/kernels/tensorflow/spike_storage.ts. */
  tensorMap: {
    get(dataId: object): TensorflowRecord;
    set(dataId: object, record: TensorflowRecord): void;
  };
  /** For lib/kernels/tensorflow/bfloat16.ts, as is the next. */
  getInputTensorIds(tensors: tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

// ---- tfjs-layers: the class Layer (tfjs-layers/src/engine/topology.ts) ------------------------------

/** tf.layers' initializers: random ones have a seed, a number or null. */
export interface Initializer {
  seed?: number | null;
  apply(shape: tf.Shape, dtype?: tf.DataType): tf.Tensor;
  getConfig(): tf.serialization.ConfigDict;
}

interface LayerInternals {
  /** For layers/composite.ts: a layer's weights, from which its getters make their lists. */
  _trainableWeights: tf.LayerVariable[];
  _nonTrainableWeights: tf.LayerVariable[];
  /** For layers/composite.ts and training/seeded_weights.ts: whether the weights will be loaded anyway. */
  fastWeightInitDuringBuild: boolean;
  /** For layers: the hook that watches the layer's calls, set by `setCallHook`. */
  _callHook?: unknown;
  /** Protected in tfjs; training/seeded_weights.ts replaces it while it builds a model. */
  addWeight(
    name: string,
    shape: tf.Shape,
    dtype: tf.DataType | undefined,
    initializer: Initializer,
    ...rest: unknown[]
  ): tf.LayerVariable;
}

export function internalsOf(layer: tf.layers.Layer): LayerInternals {
  return layer as unknown as LayerInternals;
}

/** A symbolic input of that shape that belongs to no layer; for layers/composite.ts, to build its sublayers. */
export function symbolicInput(shape: tf.Shape): tf.SymbolicTensor {
  return new tf.SymbolicTensor('float32', shape, null as unknown as tf.layers.Layer, [], {});
}
