/** A teacher's outputs on disk: asked once, the same bits ever after, refused where they are of another run. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { type KeptTeacherOptions, keptTeacher } from '../../../node/index';
import { softTargetCrossEntropy } from '../../../training/losses';
import type { Teacher, TeacherBatch } from '../../../training/teacher';
import type { TrainingData } from '../../../training/training_data';
import type { TrainingLoss } from '../../../training/training_loss';
import { describeFasterBackends } from '../../support/backends';
import { expectNoLeak } from '../../support/leaks';
import { temporaryDirectory } from '../../support/process';
import { tinyTrain, tinyTrainer } from '../../support/training';

const directory = temporaryDirectory();
let count = 0;
const fresh = () => join(directory, `outputs${count++}`);
const identity = { teacher: 'abc', images: { seed: 1 } };

/** Answers 3 x and, as features, x: [batch, 2]. Notes the batches that it is asked for. */
function counting(withFeatures = true): Teacher & { asked: number[][] } {
  const asked: number[][] = [];
  return {
    asked,
    ...(withFeatures && { channels: 2 }),
    outputs(x, { indices }) {
      asked.push([...indices!]);
      return { logits: x.mul(3), ...(withFeatures && { features: x.clone() }) };
    },
  };
}

/** The outputs for samples of such indices, whose images are [index, epoch]. */
async function ask(teacher: Teacher, epoch: number, indices: number[]) {
  const x = tf.tensor(indices.map((index) => [index, epoch]));
  const batch: TeacherBatch = { at: { epoch, batch: 0 }, indices: Int32Array.from(indices) };
  const { logits, features } = await teacher.outputs(x, batch);
  const found = { logits: logits.arraySync(), features: features?.arraySync() };
  tf.dispose(features ? [x, logits, features] : [x, logits]);
  return found;
}

const silent = (message: string) => {
  throw new Error(`unexpected: ${message}`);
};
const kept = (teacher: Teacher, folder: string, options: Partial<KeptTeacherOptions> = {}) =>
  keptTeacher(teacher, { folder, identity, onDamaged: silent, ...options });
const shards = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('epoch-'));

describe('outputs that are kept', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('are asked for once in each epoch, whatever batch they come in, then read', async () => {
    const folder = fresh();
    const inner = counting();
    const teacher = await kept(inner, folder);
    expect(teacher.channels).toBe(2);
    await ask(teacher, 0, [4, 2]);
    const both = await ask(teacher, 0, [2, 7]);
    expect(both.logits).toEqual([
      [6, 0],
      [21, 0],
    ]);
    expect(both.features).toEqual([
      [2, 0],
      [7, 0],
    ]);
    await ask(teacher, 0, [7, 4]);
    expect((await ask(teacher, 1, [4])).logits).toEqual([[12, 3]]);
    expect(inner.asked).toEqual([[4, 2], [2, 7], [4]]);
    await teacher.flush!();

    const other = counting();
    const later = await kept(other, folder);
    await expectNoLeak(async () => {
      expect((await ask(later, 1, [4])).logits).toEqual([[12, 3]]);
      expect(await ask(later, 0, [2, 7])).toEqual(both);
    });
    expect(other.asked).toEqual([]);
    expect(shards(folder)).toHaveLength(2);
  });

  test('once in all, where the images are the same in each epoch', async () => {
    const inner = counting(false);
    const teacher = await kept(inner, fresh(), { perEpoch: false });
    const first = await ask(teacher, 0, [1, 2]);
    expect(await ask(teacher, 5, [1, 2])).toEqual(first);
    expect(first.features).toBeUndefined();
    expect(inner.asked).toEqual([[1, 2]]);
  });

  test('are written at each 1,024 samples, and read again when they are out of memory', async () => {
    const folder = fresh();
    const inner = counting(false);
    const teacher = await kept(inner, folder);
    const batch = (first: number) => Array.from({ length: 1024 }, (_, i) => first + i);
    for (let i = 0; i < 66; i++) await ask(teacher, 0, batch(1024 * i));
    expect(shards(folder)).toHaveLength(66);
    expect((await ask(teacher, 0, [3, 67_000])).logits).toEqual([
      [9, 0],
      [201_000, 0],
    ]);
    expect(inner.asked).toHaveLength(66);
  });

  test('of another teacher, data set or augmentation are refused, and stay', async () => {
    const folder = fresh();
    const teacher = await kept(counting(), folder);
    await ask(teacher, 0, [1]);
    await teacher.flush!();
    const before = readdirSync(folder);
    await expect(
      kept(counting(), folder, { identity: { teacher: 'abd', images: { seed: 2 } } }),
    ).rejects.toThrow(
      /outputs in .* belong to another run:\n +there +here\n +teacher +"abc" +"abd"\n +images\.seed +1 +2$/,
    );
    await expect(kept(counting(), folder, { perEpoch: false })).rejects.toThrow(
      /perEpoch +true +false/,
    );
    expect(readdirSync(folder)).toEqual(before);
    writeFileSync(join(folder, 'identity.json'), '{"form');
    await expect(kept(counting(), folder)).rejects.toThrow(/identity\.json is damaged: delete /);
  });

  test.each<[string, (path: string) => void, RegExp]>([
    [
      'changed',
      (path) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
      /is damaged: its SHA-256 is not the one in its name$/,
    ],
    ['cut', (path) => writeFileSync(path, readFileSync(path).subarray(0, 40)), /is damaged/],
  ])('a file that is %s is told, removed, and made anew', async (_, damage, message) => {
    const folder = fresh();
    const teacher = await kept(counting(), folder);
    const right = await ask(teacher, 0, [1, 2]);
    await teacher.flush!();
    const [name] = shards(folder) as [string];
    damage(join(folder, name));
    const told: string[] = [];
    const inner = counting();
    const again = await kept(inner, folder, { onDamaged: (text) => void told.push(text) });
    expect(await ask(again, 0, [1, 2])).toEqual(right);
    expect(told).toEqual([expect.stringMatching(message)]);
    expect(inner.asked).toEqual([[1, 2]]);
    await again.flush!();
    expect(shards(folder)).toEqual([name]);
  });

  test('need indices, and a folder', async () => {
    const teacher = await kept(counting(), fresh());
    const x = tf.zeros([2, 2]);
    await expect(teacher.outputs(x, { at: { epoch: 0, batch: 0 } })).rejects.toThrow(
      'keptTeacher needs the sample indices of each batch',
    );
    x.dispose();
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await expect(kept(counting(), file)).rejects.toThrow(
      /cannot keep a teacher's outputs in .*file/,
    );
  });
});

describeFasterBackends('a run with outputs that are kept', () => {
  const train = (): TrainingData => {
    const data = tinyTrain();
    return {
      ...data,
      async *batches(epoch, start) {
        let i = start;
        for await (const batch of data.batches(epoch, start)) {
          yield { ...batch, indices: Int32Array.from(batch.labels, (_, k) => 6 * i + k) };
          i++;
        }
      },
    };
  };
  const loss: TrainingLoss = {
    compute: ({ targets, logits, teacher }) =>
      softTargetCrossEntropy(targets, logits).add(
        softTargetCrossEntropy(teacher!.logits.softmax(), logits),
      ),
  };
  /** Three means over pixels as logits. */
  const teaching = () => {
    const asked: TeacherBatch['at'][] = [];
    const teacher: Teacher = {
      outputs(x, { at }) {
        asked.push({ ...at });
        return {
          logits: tf.tidy(() => x.reshape([x.shape[0]!, 4, 16]).mean(2).slice([0, 0], [-1, 3])),
        };
      },
    };
    return { teacher, asked };
  };

  test('ends with the same bits as without, and asks for nothing when it is repeated', async () => {
    const folder = fresh();
    const weightsOf = async (teacher: Teacher) => {
      const run = tinyTrainer({ loss, teacher, train: train(), epochs: 2, test: undefined });
      await run.finish();
      const weights = run.weights();
      run.end();
      return weights;
    };
    const expected = await weightsOf(teaching().teacher);
    const [first, second] = [teaching(), teaching()];
    const before = tf.memory().numTensors;
    expect(await weightsOf(await kept(first.teacher, folder))).toEqual(expected);
    expect(first.asked).toHaveLength(12);
    expect(await weightsOf(await kept(second.teacher, folder))).toEqual(expected);
    expect(second.asked).toEqual([]);
    const [lost] = shards(folder) as [string]; // of epoch 0
    rmSync(join(folder, lost));
    expect(await weightsOf(await kept(second.teacher, folder))).toEqual(expected);
    expect(second.asked).toHaveLength(6);
    expect(tf.memory().numTensors).toBe(before);
  });
});
