/**
 * Everything taken from the private parts of TensorFlow.js, as 4.22 has them: an upgrade reads this file.
 * What tfjs's own types declare, be it little known (`invokeCallHook`, `fastWeightInitDuringBuild`'s
 * setter), is not here.
 */
import * as tf from '@tensorflow/tfjs';

// ---- tfjs-core: the engine -------------------------------------------------------------------------

/** What the engine notes of an operation while it records: its `saved` array is the one that gradients get. */
interface TapeNode {
  inputs: tf.NamedTensorMap;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
}

/** The part of the class Engine (tfjs-core/src/engine.ts) that is used here. */
interface Engine {
  /** By the runners of kernels. Saves optional inputs for the gradient only if `inputs` is an array: see `optionalInputs`. */
  runKernel(name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor | tf.Tensor[];
  /** By a neuron's gradient with a user's surrogate: an operation of several outputs with a gradient of its own. */
  runKernelFunc(operation: {
    forwardFunc: () => tf.Tensor[];
    backwardsFunc: tf.GradFunc;
    inputs: tf.NamedTensorMap;
  }): tf.Tensor[];
  state: {
    /** How many gradients are being taken, one inside the other: 0 outside of any. */
    gradientDepth: number;
    /** By lib/kernels/release_gradients.ts, analysis/check_backend.ts: what is recorded; null or undefined outside. */
    activeTape?: TapeNode[] | null;
    /** By lib/kernels/release_gradients.ts: tells one backward pass from another. */
    activeScope?: { id: number };
  };
  /** Backends that were started, by name; by lib/kernels/tensorflow. */
  registry: Record<string, tf.KernelBackend | undefined>;
  /** Backends that may be started; by the command. */
  registryFactory: Record<string, unknown>;
  /** All variables by name; by training/adamw.ts, as tfjs's own optimizers do. */
  registeredVariables: Record<string, tf.Variable>;
}

export function engine(): Engine {
  return tf.engine() as unknown as Engine;
}

/** Inputs that may be missing, so that the engine saves those there are: an array, read by name all the same. */
export function optionalInputs(inputs: tf.NamedTensorMap): tf.NamedTensorMap {
  return Object.assign([], inputs) as unknown as tf.NamedTensorMap;
}

/** Whether a gradient may be asked for of what is computed now. */
export function isRecordingGradients(): boolean {
  return engine().state.gradientDepth > 0;
}

/** Whether the gradient of a gradient may be asked for. */
export function mayDifferentiateTwice(): boolean {
  return engine().state.gradientDepth > 1;
}

// ---- The backends: the root of this library imports none, so that there are no types of theirs -----

/** The Emscripten module of tfjs-backend-wasm: `asm` has the memory in the simd build, `wasmMemory` is it in the threaded one. */
interface EmscriptenModule {
  asm?: { memory?: WebAssembly.Memory };
  wasmMemory?: WebAssembly.Memory;
  /** Replaced whenever the heap grows: read it again after every allocation. */
  HEAPF32: Float32Array;
  tfjs?: { getThreadsCount(): number };
}

/** BackendWasm (tfjs-backend-wasm/src/backend_wasm.ts); by lib/kernels/wasm. */
export interface BackendWasm {
  wasm: EmscriptenModule;
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
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

/** MathBackendWebGL (tfjs-backend-webgl/src/backend_webgl.ts); by lib/kernels/webgl. */
export interface WebGLBackend extends tf.KernelBackend {
  gpgpu: { gl: { isContextLost(): boolean } };
  texData: { get(dataId: object): { isPacked?: boolean } };
  /** The bits of a texture's numbers, which `epsilon()` and `floatPrecision()` follow. */
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

/** WebGPUBackend (tfjs-backend-webgpu/src/backend_webgpu.ts); by lib/kernels/webgpu. */
export interface WebGPUBackend extends tf.KernelBackend {
  tensorMap: { get(dataId: object): { dtype: tf.DataType } };
  device: { lost: Promise<{ reason: string; message: string }> };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: Float32Array): tf.TensorInfo;
  runWebGPUProgram(
    program: WebGPUProgram,
    inputs: tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms: { type: 'float32' | 'int32' | 'uint32'; data: number[] }[],
  ): tf.TensorInfo;
}

/** Of either GPU's backend, the little that tells its loss; by lib/choose_backend.ts. */
export interface WatchableBackend {
  device?: WebGPUBackend['device'];
  gpgpu?: { gl: { canvas: EventTarget } };
}

/** An attribute of a TensorFlow op, its type one of `binding`'s. */
export interface OpAttr {
  name: string;
  type: number;
  value: number | boolean | string | number[];
}

/** NodeJSKernelBackend (tfjs-node/src/nodejs_kernel_backend.ts); by lib/kernels/tensorflow. */
export interface TensorflowBackend extends tf.KernelBackend {
  /** Values of TensorFlow's TF_AttrType and TF_DataType. */
  binding: {
    TF_ATTR_INT: number;
    TF_ATTR_FLOAT: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_STRING: number;
    TF_ATTR_TYPE: number;
    TF_FLOAT: number;
    /** TensorFlow's version. */
    TF_Version: string;
  };
  /** Of tfjs-node-gpu, whether or not it has found a GPU. */
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attrs: OpAttr[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

// ---- tfjs-layers: the class Layer (tfjs-layers/src/engine/topology.ts) ------------------------------

/** tf.layers' initializers: random ones have a seed, a number or null. */
export interface Initializer {
  seed?: number | null;
  apply(shape: tf.Shape, dtype?: tf.DataType): tf.Tensor;
  getConfig(): tf.serialization.ConfigDict;
}

interface LayerInternals {
  /** By layers/composite.ts: a layer's weights, of which its getters make their lists. */
  _trainableWeights: tf.LayerVariable[];
  _nonTrainableWeights: tf.LayerVariable[];
  /** By layers/composite.ts, training/seeded_weights.ts: whether the weights are about to be loaded anyway. */
  fastWeightInitDuringBuild: boolean;
  /** By layers: whoever listens to the layer's calls, by `setCallHook`. */
  _callHook?: unknown;
  /** Protected; replaced by training/seeded_weights.ts while a model is built. */
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

/** A symbolic input of that shape and of no layer; by layers/composite.ts, to build its sublayers. */
export function symbolicInput(shape: tf.Shape): tf.SymbolicTensor {
  return new tf.SymbolicTensor('float32', shape, null as unknown as tf.layers.Layer, [], {});
}
