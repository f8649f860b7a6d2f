/** TensorFlow keeps what tensors free for the next: node/native/tensor_memory.ts. */

import { runScript } from '../../support/process';
import { describeTensorflow } from '../../support/tensorflow';

/** Prints how many pages the system had to provide per sum of 40 MB, and the variable as it is then. */
const script = `
  import { createRequire } from 'node:module';
  import * as tf from '@tensorflow/tfjs';
  import './node/native/ops';

  createRequire(import.meta.url)('@tensorflow/tfjs-node');
  await tf.setBackend('tensorflow');
  const x = tf.zeros([10_000_000]);
  const faults = () => process.resourceUsage().minorPageFault;
  x.add(1).dispose();
  const before = faults();
  for (let i = 0; i < 10; i++) x.add(1).dispose();
  console.log((faults() - before) / 10, process.env.TF_CPU_ALLOCATOR_USE_BFC);
`;

/** Pages per sum, and the variable as the script left it. */
function pages(given?: string): { faults: number; variable: string } {
  const { status, stdout, stderr } = runScript(script, [], { TF_CPU_ALLOCATOR_USE_BFC: given });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const [faults, variable] = stdout.trim().split(' ');
  return { faults: Number(faults), variable: variable! };
}

describeTensorflow('memory of tensors', () => {
  test('is kept for the next tensors', () => {
    const { faults, variable } = pages();
    expect(variable).toBe('true');
    // 40 MB are more than malloc keeps: 10,000 pages of 4 kB. Where pages are larger, or not counted, fewer anyway.
    expect(faults).toBeLessThan(1000);
  });

  test('is as the environment says', () => {
    expect(pages('false').variable).toBe('false');
  });
});
