/** One backend's side of the bench, a process of its own. The backend is in its first question. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { nativeOpsInUse } from '../lib/kernels/tensorflow';
import '../node/native/ops';
import '../node/tfjs_node_shim';
import '../node/wasm_backend';
import { answerQuestions } from './_answer_questions';
import { createTask, type Metric, type Task, type TaskSpec, writeWeights } from './_task';

let task: Task | undefined;

/** Every question of `Contender`. */
const answers = {
  async hello({ backend }: { backend: string }) {
    if (backend === 'tensorflow') createRequire(import.meta.url)('@tensorflow/tfjs-node');
    if (!(await tf.setBackend(backend))) throw new Error(`backend ${backend} does not start`);
    const ops = nativeOpsInUse();
    return { noNativeOps: typeof ops === 'string' ? ops : undefined };
  },
  weights({ passes, ...spec }: TaskSpec & { passes?: number }) {
    writeWeights(spec, passes);
    return {};
  },
  prepare(spec: TaskSpec) {
    task = createTask(spec);
    // The file that the weights came in would stay until the next collection, for some steps or for none.
    globalThis.gc!();
    return { parameters: task.parameters };
  },
  check: ({ training }: { training: boolean }) => task!.check(training),
  run({ metric, calls }: { metric: Metric; calls: number }) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) task!.run(metric);
    return { ms: (performance.now() - start) / calls };
  },
  peak: () => ({ mb: process.resourceUsage().maxRSS / 1024 }),
};

await answerQuestions(answers);
