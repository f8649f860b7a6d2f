/** Tests each registered backend with small computations whose results are known. */
import * as tf from '@tensorflow/tfjs';
import { multiStepLIF } from '../lib/index';
import { hasNativeKernels } from '../lib/kernels';
import { nativeOpsInUse } from '../lib/kernels/tensorflow';
import { engine } from '../lib/tfjs_internals';
import { withoutBanner } from './shared/choose_backend';

export interface BackendFindings {
  name: string;
  /** Whether tfjs selects it by default. */
  default: boolean;
  /** Why a test failed, by test; empty if the backend works and trains. */
  failures: Record<string, string>;
  /** Whether spiking neurons run as one kernel here, or composed of stock operations. */
  neurons: 'kernel' | 'composed';
  simd?: boolean;
  threads?: number;
}

/** A test: runs under tidy on the current backend, and returns numbers with their expected values. */
type Proof = () => { got: tf.Tensor; expected: number[] };

const proofs: Record<string, Proof> = {
  'matrix product': () => ({
    got: tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])),
    expected: [11],
  }),
  // tau 2: the membrane is at 0.75 after the first step, 1.125 after the second, which fires.
  'spiking neuron': () => ({
    got: multiStepLIF(tf.tensor([1.5, 1.5, 1.5, 1.5], [1, 4, 1])),
    expected: [0, 1, 0, 1],
  }),
  'training a convolution': () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const loss = (filter: tf.Tensor) => tf.conv2d(x, filter as tf.Tensor4D, 1, 'valid').sum();
    return { got: tf.grad(loss)(tf.ones([1, 1, 1, 1])), expected: [10] };
  },
  'training through a max pool of negative values': () => {
    const loss = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid').sum();
    return {
      got: tf.grad(loss)(tf.tensor([-4, -3, -1, -2], [1, 2, 2, 1])),
      expected: [0, 0, 1, 0],
    };
  },
};

async function prove(proof: Proof): Promise<string | undefined> {
  try {
    let expected: number[] = [];
    const tensor = tf.tidy(() => {
      const result = proof();
      expected = result.expected;
      return result.got;
    });
    const got = Array.from(await tensor.data());
    tensor.dispose();
    const equal =
      got.length === expected.length && got.every((v, i) => Math.abs(v - expected[i]) < 1e-5);
    return equal ? undefined : `expected ${expected}, got ${got}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function neuronsAreOneKernel(backend: string): boolean {
  // On `tensorflow` the kernels differ without the native ops.
  if (backend === 'tensorflow') return typeof nativeOpsInUse() !== 'string';
  return hasNativeKernels(backend);
}

async function wasmDetails(): Promise<Pick<BackendFindings, 'simd' | 'threads'>> {
  const simd = Boolean(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'));
  const threaded = Boolean(await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'));
  return { simd, ...(!threaded && { threads: 1 }) };
}

/** Starts and tests every registered backend; afterwards the current one is current again. */
export async function examineBackends(): Promise<BackendFindings[]> {
  await tf.ready();
  const current = tf.getBackend();
  withoutBanner();
  const findings: BackendFindings[] = [];
  for (const name of Object.keys(engine().registryFactory)) {
    const failures: Record<string, string> = {};
    if (await tf.setBackend(name)) {
      for (const [title, proof] of Object.entries(proofs)) {
        const failure = await prove(proof);
        if (failure) failures[title] = failure;
      }
    } else {
      failures.start = 'it does not start';
    }
    findings.push({
      name,
      default: name === current,
      failures,
      neurons: neuronsAreOneKernel(name) ? 'kernel' : 'composed',
      ...(name === 'wasm' && (await wasmDetails())),
    });
  }
  await tf.setBackend(current);
  return findings;
}
