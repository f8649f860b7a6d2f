/** chooseBackend: the first backend that starts, and aloud why it is not the one wished for. */
import * as tf from '@tensorflow/tfjs';
import { chooseBackend } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';

/** A backend under a name of its own, for the time of `body`. */
async function withBackend(
  name: string,
  start: () => tf.KernelBackend | Promise<tf.KernelBackend>,
  body: () => Promise<void>,
): Promise<void> {
  const before = tf.getBackend();
  tf.registerBackend(name, start);
  try {
    await body();
  } finally {
    await tf.setBackend(before);
    tf.removeBackend(name);
  }
}

/** Nothing but what tfjs asks of a backend when it starts and ends. */
function fake(more: object): tf.KernelBackend {
  return Object.assign(new tf.KernelBackend(), { dispose: () => {} }, more);
}

describeEachBackend('chooseBackend', (backend) => {
  const listening = () => {
    const said: string[] = [];
    return { said, say: (message: string) => said.push(message) };
  };

  test('takes the first, without a word', async () => {
    const { said, say } = listening();
    expect(await chooseBackend([backend, 'cpu'], { say, training: true })).toBe(backend);
    expect(tf.getBackend()).toBe(backend);
    expect(said).toEqual([]);
  });

  test('passes over what is not there or does not start, and says so', async () => {
    const broken = () => Promise.reject(new Error('no adapter'));
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    await withBackend('broken-gpu', broken, async () => {
      const { said, say } = listening();
      expect(await chooseBackend(['no-such', 'broken-gpu', backend], { say })).toBe(backend);
      expect(said).toEqual([
        `no-such is not imported or not supported here; broken-gpu does not start here: running on ${backend}`,
      ]);
      await expect(chooseBackend(['no-such', 'broken-gpu'])).rejects.toThrow(
        'No backend: no-such is not imported or not supported here; broken-gpu does not start here',
      );
    });
    warn.mockRestore();
  });

  test('says it when the GPU is lost later, but not when it was given back', async () => {
    for (const [reason, times] of [
      ['unknown', 1],
      ['destroyed', 0],
    ] as const) {
      let lose: (info: { reason: string; message: string }) => void = () => {};
      const lost = new Promise((resolve) => {
        lose = resolve;
      });
      await withBackend(
        'some-gpu',
        () => fake({ device: { lost } }),
        async () => {
          const { said, say } = listening();
          expect(await chooseBackend(['some-gpu'], { say })).toBe('some-gpu');
          lose({ reason, message: 'the driver was reset' });
          await lost;
          await Promise.resolve();
          expect(said).toHaveLength(times);
          if (times > 0)
            expect(said[0]).toMatch(/some-gpu device was lost \(the driver was reset\)/);
        },
      );
    }
    await withBackend(
      'some-gl',
      () => fake({ gpgpu: { gl: { canvas: new EventTarget() } } }),
      async () => {
        const { said, say } = listening();
        await chooseBackend(['some-gl'], { say });
        const { gpgpu } = tf.backend() as unknown as { gpgpu: { gl: { canvas: EventTarget } } };
        gpgpu.gl.canvas.dispatchEvent(new Event('webglcontextlost'));
        expect(said).toEqual([expect.stringMatching(/some-gl context was lost/)]);
      },
    );
  });

  test('wants names', async () => {
    await expect(chooseBackend([])).rejects.toThrow(/^names must be names of backends/);
    await expect(chooseBackend('wasm' as never)).rejects.toThrow(/but got 'wasm'/);
  });
});
