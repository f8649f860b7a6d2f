/** Opening a teacher by its path: graph models too, with a hash that only other files change. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { openTeacher } from '../../cli/_teacher';
import { memorySource } from '../../datasets/memory_source';
import { fileHandler } from '../../node/runs/file_handler';
import { parseRecipe } from '../../training/parse_recipe';
import '../support/backends';
import { graphArtifacts } from '../support/graph_model';
import { root, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);
const text = readFileSync(join(root, 'recipes', 'mnist-tiny.yaml'), 'utf8');
const recipe = parseRecipe(text, 'mnist-tiny.yaml', [
  'distillation.blurredFeatures={layer: block1, teacherLayer: hidden}',
]);
const samples = memorySource({
  name: 'mnist',
  split: 'train',
  data: new Uint8Array(4 * 28 * 28),
  shape: [28, 28, 1],
  labels: new Uint8Array(4),
  classNames: ['a', 'b', 'c'],
});

test('a graph model teaches, its node gives features; a copy of it has its hash, others have not', async () => {
  await tf.setBackend('cpu');
  await fileHandler(at('graph')).save!(graphArtifacts);
  const { weightData: _, ...others } = graphArtifacts;
  const weightData = Float32Array.of(1, 2, 3, 4, 5, 7).buffer;
  await fileHandler(at('other')).save!({ ...others, weightData });
  cpSync(at('graph'), at('copy'), { recursive: true });
  const before = tf.memory().numTensors;
  const [graph, copy, other] = await Promise.all(
    ['graph', 'copy', 'other'].map((name) => openTeacher(at(name), recipe, samples)),
  );
  expect(copy!.sha256).toBe(graph!.sha256);
  expect(other!.sha256).not.toBe(graph!.sha256);
  expect(graph!.teacher.channels).toBe(2);
  const x = tf.tensor([[1, 2]]);
  const { logits, features } = await other!.teacher.outputs(x, { at: { epoch: 0, batch: 0 } });
  expect([...logits.dataSync()]).toEqual([9, 12, 17]);
  expect([...features!.dataSync()]).toEqual([1, 2]);
  tf.dispose([x, logits, features!]);
  for (const opened of [graph, copy, other]) opened!.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
