/**
 * onnxruntime's side of the bench, a process of its own, with the arguments `onnxruntime-node THREADS` or
 * `onnxruntime-web THREADS`. It evaluates the network that this library exports.
 */
import * as tf from '@tensorflow/tfjs';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import * as spiking from 'tfjs-spikingformer';
import '../node/wasm_backend';
import { answerQuestions } from './_answer_questions';
import { inputsOf, modelOf, type TaskSpec } from './_task';

type Runtime = typeof import('onnxruntime-web');

const [name, threads] = process.argv.slice(2) as [string, string];
let runtime: Runtime;
let session: InferenceSession;
let feeds: Record<string, Tensor>;

async function logits(): Promise<Tensor> {
  return (await session.run(feeds))[session.outputNames[0]!] as Tensor;
}

await answerQuestions({
  async hello() {
    runtime = (await import(name)) as Runtime;
    runtime.env.wasm.numThreads = Number(threads);
    await tf.setBackend('wasm');
    return {};
  },
  async prepare(spec: TaskSpec) {
    const model = modelOf(spec);
    const { x } = inputsOf(spec);
    session = await runtime.InferenceSession.create(await spiking.interop.toOnnx(model), {
      intraOpNumThreads: Number(threads),
    });
    const image = new runtime.Tensor('float32', x.dataSync<'float32'>(), x.shape);
    feeds = { [session.inputNames[0]!]: image };
    const sizes = model.trainableWeights.map(({ shape }) =>
      tf.util.sizeFromShape(shape as number[]),
    );
    return { parameters: sizes.reduce((a, b) => a + b, 0) };
  },
  async check() {
    const { data, dims } = await logits();
    return { forward: tf.tidy(() => tf.tensor(data as Float32Array, [...dims]).arraySync()) };
  },
  async run({ calls }: { calls: number }) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) await logits();
    return { ms: (performance.now() - start) / calls };
  },
});
