/** onnxruntime runs a file that was written here, beside the model that it was written of. */
import * as tf from '@tensorflow/tfjs';
import type * as Onnxruntime from 'onnxruntime-web';
import * as spiking from 'tfjs-spikingformer';

/** Put there by the environment. */
const { importModule } = globalThis as unknown as {
  importModule(name: string): Promise<unknown>;
};

/** onnxruntime-web, or onnxruntime-node where CI has installed it. */
const RUNTIME = process.env.SPIKINGFORMER_TEST_ONNXRUNTIME ?? 'onnxruntime-web';

async function onnxruntime(): Promise<typeof Onnxruntime> {
  const ort = (await importModule(RUNTIME)) as typeof Onnxruntime;
  ort.env.wasm.numThreads = 1;
  return ort;
}

export interface OnnxOutput {
  shape: readonly number[];
  data: Float32Array;
}
type Run = (...inputs: tf.Tensor[]) => Promise<Map<string, OnnxOutput>>;

/** A function from the inputs, in the file's order, to the outputs by name. */
export async function openOnnx(bytes: Uint8Array): Promise<Run> {
  const ort = await onnxruntime();
  const session = await ort.InferenceSession.create(bytes);
  return async (...inputs) => {
    const feeds = inputs.map((x, i) => {
      const data = x.dataSync() as Float32Array;
      return [session.inputNames[i]!, new ort.Tensor(x.dtype as 'float32', data, x.shape)] as const;
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    return new Map(
      Object.entries(outputs).map(([name, { dims, data }]) => [
        name,
        { shape: dims, data: data as Float32Array },
      ]),
    );
  };
}

/** The largest difference of two outputs' numbers. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

/** Whether the file answers as the model does: numbers to 1e-5. Returns the outputs. */
export async function expectSameOutputs(model: tf.LayersModel, run: Run, ...inputs: tf.Tensor[]) {
  const outputs = await run(...inputs);
  const ours = [model.predict(inputs)].flat();
  for (const [i, y] of ours.entries()) {
    const theirs = outputs.get(model.outputNames[i]!)!;
    expect(theirs.shape).toEqual(y.shape);
    const most = y.abs().max().dataSync()[0]!;
    expect(difference(y.dataSync(), theirs.data)).toBeLessThan(1e-5 * Math.max(1, most));
  }
  tf.dispose(ours);
  return outputs;
}

/** Whether every neuron layer fires alike. Returns the share of neurons and steps that fired. */
export function expectSameSpikes(
  model: tf.LayersModel,
  x: tf.Tensor,
  outputs: ReadonlyMap<string, OnnxOutput>,
): number {
  const spikes = spiking.observe(model, x);
  let [fired, all] = [0, 0];
  for (const [path, s] of spikes) {
    const theirs = outputs.get(`spikes/${path}`)!;
    const ours = s.dataSync<'float32'>();
    expect({ path, shape: theirs.shape }).toEqual({ path, shape: s.shape });
    expect({ path, flips: ours.filter((spike, i) => spike !== theirs.data[i]).length }).toEqual({
      path,
      flips: 0,
    });
    fired += ours.reduce((a, b) => a + b, 0);
    all += ours.length;
  }
  expect([...outputs.keys()].filter((name) => name.startsWith('spikes/'))).toHaveLength(
    spikes.size,
  );
  tf.dispose([...spikes.values()]);
  return fired / all;
}
