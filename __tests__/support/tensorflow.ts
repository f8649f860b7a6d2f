/** Tests that need tfjs-node, or the native ops in it: skipped, saying so, where there are none. */
import * as tf from '@tensorflow/tfjs';
import { nativeOpsInUse } from '../../lib/kernels/tensorflow';
import { whyNoBfloat16 } from '../../lib/kernels/tensorflow/bfloat16';
import '../../node/native/ops';

function loadTfjsNode(): string | undefined {
  try {
    require('@tensorflow/tfjs-node');
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND'
      ? 'tfjs-node is not installed'
      : `tfjs-node does not load: ${(error as Error).message}`;
  }
}

/** Why there is no backend `tensorflow`; undefined: there is one. */
const noTensorflow = loadTfjsNode();

function whyNoNativeOps(): string | undefined {
  if (noTensorflow) return noTensorflow;
  const ops = nativeOpsInUse();
  return typeof ops === 'string' ? ops : undefined;
}
const noNativeOps = whyNoNativeOps();

// scripts/ci_tensorflow.sh has built them: there, their absence is a failure.
if (noNativeOps && process.env.SPIKINGFORMER_TEST_NATIVE === '1') {
  throw new Error(`this run expects the native ops: ${noNativeOps}`);
}

function describeUnless(missing: string | undefined, name: string, body: () => void): void {
  if (missing) {
    describe.skip(`${name} [skipped: ${missing}]`, body);
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      if (!(await tf.setBackend('tensorflow'))) throw new Error('tensorflow does not start');
    });
    body();
  });
}

export const describeTensorflow = (name: string, body: () => void) =>
  describeUnless(noTensorflow, name, body);

export const describeNativeOps = (name: string, body: () => void) =>
  describeUnless(noNativeOps, name, body);

function whyNoAmx(): string | undefined {
  const ops = nativeOpsInUse();
  if (typeof ops === 'string') return ops;
  return ops.amx
    ? undefined
    : 'the processor has no AMX, or SPIKINGFORMER_INSTRUCTION_SET holds it back';
}

export const describeAmx = (name: string, body: () => void) =>
  describeUnless(noNativeOps ?? whyNoAmx(), name, body);

/** Of products in bfloat16, which not every processor has. */
export const describeBfloat16 = (name: string, body: () => void) =>
  describeUnless(noNativeOps ?? whyNoBfloat16(), name, body);
