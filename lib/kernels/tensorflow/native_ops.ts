/**
 * The way to this library's own TensorFlow ops (native/). They come with a Node addon, which only the
 * node entry can load: it leaves a function here that does so, called when the backend first needs them.
 */
import { tensorflowBackend } from './backend';

/** The ops' names, inputs and attributes as the kernels here call them; the addon says its own. */
export const OPS_INTERFACE = 7;

/** What the loaded addon says of itself. */
export interface NativeOps {
  interface: number;
  /** Of the loops that this processor runs. */
  instructionSet: string;
  threads: number;
}

/** Returns the ops of `packageName`'s TensorFlow, registered with it; or why there are none. */
type NativeOpsLoader = (packageName: string) => NativeOps | string;

// On globalThis, so that the entry of one copy of this library serves all: ESM, CommonJS.
const SLOT = Symbol.for('tfjs-spikingformer.nativeOpsLoader');
type Slot = { [SLOT]?: NativeOpsLoader };

export function setNativeOpsLoader(loader: NativeOpsLoader): void {
  (globalThis as Slot)[SLOT] = loader;
}

/** The ops, or why there are none. */
function loadNativeOps(packageName: string): NativeOps | string {
  const loader = (globalThis as Slot)[SLOT];
  if (!loader) return 'tfjs-spikingformer/node, which loads the native ops, has not been imported';
  const ops = loader(packageName);
  if (typeof ops === 'string' || ops.interface === OPS_INTERFACE) return ops;
  return (
    `the native ops were built for interface ${ops.interface}, but this version has ` +
    `${OPS_INTERFACE}: run \`npx spikingformer native install\` again`
  );
}

/** The native ops that the backend runs, or why it does without. */
export function nativeOpsInUse(): NativeOps | string {
  const backend = tensorflowBackend();
  if (!backend) return 'the backend tensorflow has not been started';
  if (backend.isUsingGpuDevice) return 'the native ops run on CPUs, and TensorFlow uses a GPU here';
  return loadNativeOps(`@tensorflow/tfjs-node${backend.isGPUPackage ? '-gpu' : ''}`);
}
