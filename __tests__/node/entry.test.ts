/** What importing tfjs-spikingformer/node does to a fresh process, in whatever order. */
import util from 'node:util';
import { runScript, runUnbundled } from '../support/process';

function output(script: string, run = runScript): unknown {
  const { status, stdout, stderr } = run(script);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

const NODE = `import 'tfjs-spikingformer/node';`;
const TFJS = `import * as tf from '@tensorflow/tfjs';`;

test.each([[`${TFJS} ${NODE}`], [`${NODE} ${TFJS}`]])('%s: wasm is the backend', (imports) => {
  const script = `${imports} await tf.ready(); console.log(JSON.stringify(tf.getBackend()));`;
  expect(output(script, runUnbundled)).toBe('wasm'); // bundled, both are one order
});

test('every layer class is registered for loading', () => {
  const script = `${TFJS} ${NODE}
    const { classNameMap } = tf.serialization.SerializationMap.getMap();
    console.log(JSON.stringify(['LIFNode', 'CMLDownsample', 'SpikingSelfAttention'].map((n) => n in classNameMap)));`;
  expect(output(script)).toEqual([true, true, true]);
});

test('a faster backend, if registered, stays the one that is taken', () => {
  const script = `${TFJS}
    tf.registerBackend('faster', () => tf.findBackend('cpu'), 3);
    await import('tfjs-spikingformer/node');
    await tf.ready();
    console.log(JSON.stringify(tf.getBackend()));`;
  expect(output(script)).toBe('faster');
});

test('a backend that the user has set stays', () => {
  const script = `${TFJS}
    await tf.setBackend('cpu');
    await import('tfjs-spikingformer/node');
    await tf.ready();
    console.log(JSON.stringify(tf.getBackend()));`;
  expect(output(script)).toBe('cpu');
});

test.each([
  ['an error', `setTimeout(() => { throw new Error('mine'); });`],
  ['a rejection', `await Promise.reject(new Error('mine'));`],
])(
  '%s that nobody catches is printed with its own source, not with 37 kB of the loader',
  (_, fail) => {
    const { status, stderr } = runScript(
      `${TFJS} ${NODE} await tf.ready(); await tf.nextFrame(); ${fail}`,
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('Error: mine');
    expect(stderr.length).toBeLessThan(3000);
  },
);

test('the functions of util that tfjs-node calls are there, as on Node 22 (tfjs#8609)', async () => {
  const legacy = util as unknown as Record<string, unknown>;
  const kept = { isNullOrUndefined: legacy.isNullOrUndefined, isArray: legacy.isArray };
  delete legacy.isNullOrUndefined;
  delete legacy.isArray;
  try {
    await import('../../node/tfjs_node_shim');
    const isNullOrUndefined = legacy.isNullOrUndefined as (value: unknown) => boolean;
    expect([null, undefined, 0, '', false].map(isNullOrUndefined)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(legacy.isArray).toBe(Array.isArray);
  } finally {
    Object.assign(legacy, kept);
  }
});

test('what is wrong with weights and with checkpoints is one class of error', () => {
  const script = `import { CheckpointError } from 'tfjs-spikingformer/node';
    import { interop } from 'tfjs-spikingformer';
    const error = new interop.SafetensorsError('no header');
    console.log(JSON.stringify([CheckpointError === interop.CheckpointError, error instanceof CheckpointError]));`;
  expect(output(script)).toEqual([true, true]);
});
