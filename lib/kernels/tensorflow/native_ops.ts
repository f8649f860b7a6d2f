/**
 * Access to this library's TensorFlow ops (native/). They come in a Node addon that only the node entry can load: it
 * leaves a loader function here, which is called when the backend first needs the ops.
 */
import { tensorflowBackend } from './backend';

/** The version of the ops' names, inputs and attributes as the kernels here call them; the addon reports its own. */
export const OPS_INTERFACE = 13;

/** What the loaded addon reports about itself. */
export interface NativeOps {
  interface: number;
  /** The instruction set that its loops use on this processor. */
  instructionSet: string;
  threads: number;
  /** Whether the processor multiplies bfloat16: AVX512-BF16, which those with AMX have too. */
  bfloat16: boolean;
  /** Whether they multiply bfloat16 by AMX. */
  amx: boolean;
  /** Of tfjs-node-gpu: whether the kernels run on TensorFlow's stream, or wait for the GPU before and after. */
  cuda?: 'stream' | 'synchronized';
}

/** Returns the ops, registered with `packageName`'s TensorFlow, or the reason why there are none. */
type NativeOpsLoader = (packageName: string) => NativeOps | string;

// On globalThis, so that one copy's entry serves all copies, ESM and CommonJS.
const SLOT = Symbol.for('tfjs-spikingformer.nativeOpsLoader');
type Slot = { [SLOT]?: NativeOpsLoader };

export function setNativeOpsLoader(loader: NativeOpsLoader): void {
  (globalThis as Slot)[SLOT] = loader;
}

/** The ops, or the reason why there are none. */
function loadNativeOps(packageName: string): NativeOps | string {
  const loader = (globalThis as Slot)[SLOT];
  if (!loader) return 'tfjs-spikingformer/node, which loads the native ops, has not been imported';
  const ops = loader(packageName);
  if (typeof ops === 'string' || ops.interface === OPS_INTERFACE) return ops;
  return (
    `the native ops were built for interface ${ops.interface}, but this version needs ` +
    `${OPS_INTERFACE}: run \`npx spikingformer native install\` again`
  );
}

/** The native ops that the backend runs, or the reason why it runs none. */
export function nativeOpsInUse(): NativeOps | string {
  const backend = tensorflowBackend();
  if (!backend) return 'the backend tensorflow has not been started';
  const ops = loadNativeOps(`@tensorflow/tfjs-node${backend.isGPUPackage ? '-gpu' : ''}`);
  const lacksCuda = typeof ops !== 'string' && backend.isUsingGpuDevice && !ops.cuda;
  return lacksCuda ? BUILT_WITHOUT_CUDA : ops;
}

export const BUILT_WITHOUT_CUDA =
  'the native ops were built for CPUs, and TensorFlow uses a GPU here: run `npx spikingformer native install` again';

/** Whether the loops of the ops use AVX-512, as those by AMX do for everything else. */
export const usesAvx512 = ({ instructionSet }: NativeOps): boolean =>
  /^(avx512|amx)$/.test(instructionSet);

/** Whether the ops multiply numbers by AMX: rounded to bfloat16; in float32, if SPIKINGFORMER_INSTRUCTION_SET asks. */
export function multipliesByAmx(rounded: boolean): boolean {
  const ops = nativeOpsInUse();
  return typeof ops !== 'string' && (rounded ? ops.amx : ops.instructionSet === 'amx');
}

/** Whether the backend runs the ops that are for CPUs alone: those that skip zeros, and of depthwise convolutions. */
export function hasCpuOps(): boolean {
  return typeof nativeOpsInUse() !== 'string' && !tensorflowBackend()!.isUsingGpuDevice;
}
