/** The test tools themselves: real typed arrays in the test realm, backends, leak counting. */
import * as tf from '@tensorflow/tfjs';
import { backends, describeEachBackend } from './backends';
import { expectNoLeak } from './leaks';

describe('the test environment', () => {
  // Native backends compare with the typed arrays of Node's own realm (tfjs#7175, jest#11864);
  // structuredClone answers in that realm.
  test.each(['ArrayBuffer', 'Float32Array', 'Int32Array', 'Uint8Array', 'BigInt64Array'] as const)(
    '%s is the one that Node core uses',
    (name) => {
      const clone = structuredClone(new globalThis[name](8));
      expect(clone.constructor).toBe(globalThis[name]);
    },
  );

  test('WebAssembly memory is made of the same ArrayBuffer', () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    expect(memory.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('file reads come as the same ArrayBuffer', async () => {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(__filename);
    expect(bytes).toBeInstanceOf(Uint8Array);
    expect(bytes.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('cpu and wasm are always present', () => {
    expect(backends).toEqual(expect.arrayContaining(['cpu', 'wasm']));
  });
});

describeEachBackend('describeEachBackend', (backend) => {
  test('makes the backend current', () => {
    expect(tf.getBackend()).toBe(backend);
  });

  test('its data reads back as a Float32Array of this realm', async () => {
    const x = tf.tensor1d(new Float32Array([1, 2, 3]));
    const data = await x.data();
    expect(data).toBeInstanceOf(Float32Array);
    expect(data).toEqual(new Float32Array([1, 2, 3]));
    x.dispose();
  });

  test('expectNoLeak lets clean work through and returns its result', async () => {
    const result = await expectNoLeak(() => tf.tidy(() => tf.ones([2, 2]).sum().arraySync()));
    expect(result).toBe(4);
  });

  test('expectNoLeak catches a tensor left behind', async () => {
    let left: tf.Tensor | undefined;
    await expect(
      expectNoLeak(() => {
        left = tf.ones([2]);
      }),
    ).rejects.toThrow(/tensors/);
    left?.dispose();
  });
});
