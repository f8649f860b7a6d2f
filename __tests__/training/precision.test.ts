/** The trainer's `precision`: where it is refused, and what it leaves as it is. */
import * as tf from '@tensorflow/tfjs';
import { CheckpointStore } from '../../node/runs/checkpoints';
import { identityOf } from '../../training/from_recipe';
import { parseRecipe } from '../../training/parse_recipe';
import { checkPrecision } from '../../training/precision';
import { interrupted, silent } from '../node/runs/interrupted';
import { describeEachBackend } from '../support/backends';
import { temporaryDirectory } from '../support/process';
import { describeBfloat16 } from '../support/tensorflow';
import { tinyModel, tinyTrainer } from '../support/training';

const directory = temporaryDirectory();

const recipe = (...settings: string[]) => parseRecipe(text, 'small.yaml', settings);
const text = `name: small
description: For a test.
seed: 3
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2, patchSize: 8 }
data: { name: mnist, trainSamples: 64, testSamples: 32 }
epochs: 2
batchSize: 16
effectiveBatch: 16
optimizer: { name: adamw, learningRate: 0.01 }
`;

test('a recipe is another one in bfloat16, but not in float32, the default', () => {
  const identity = identityOf(recipe());
  expect(identityOf(recipe('precision=float32'))).toEqual(identity);
  expect(identityOf(recipe('precision=bfloat16'))).not.toEqual(identity);
  expect(() => recipe('precision=float16')).toThrow(/--set: precision .*"float32"\|"bfloat16"/);
});

describeEachBackend('precision', (backend) => {
  test('float32 is there, anything unknown is refused', () => {
    expect(() => checkPrecision('float32')).not.toThrow();
    expect(() => tinyTrainer({ precision: 'float16' as 'float32' })).toThrow(
      "precision must be 'float32' or 'bfloat16', but got 'float16'",
    );
  });

  if (backend !== 'tensorflow') {
    test('bfloat16 is refused', () => {
      expect(() => tinyTrainer({ precision: 'bfloat16' })).toThrow(
        'precision bfloat16 needs the backend tensorflow with the native ops, on a processor with AMX or ' +
          `AVX512-BF16, but the backend is ${backend}`,
      );
    });
  }
});

describeBfloat16('a trainer in bfloat16', () => {
  const losses = async (precision: 'float32' | 'bfloat16') => {
    const steps: number[] = [];
    const { finish, end } = tinyTrainer({
      precision,
      epochs: 2, // The first warms up, at a rate of almost 0.
      observers: [{ onStep: ({ loss }) => void steps.push(loss) }],
    });
    await finish();
    end();
    return steps;
  };

  test('has the same first loss, others later, the same in each run', async () => {
    const before = tf.memory().numTensors;
    const [float32, bfloat16] = [await losses('float32'), await losses('bfloat16')];
    expect(bfloat16[0]).toBe(float32[0]);
    expect(bfloat16).not.toEqual(float32);
    bfloat16.forEach((loss, i) => {
      expect(Math.abs(loss - float32[i]!)).toBeLessThan(0.1 * float32[i]!);
    });
    expect(await losses('bfloat16')).toEqual(bfloat16);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('resumes to the bit', async () => {
    const precision = 'bfloat16';
    const [whole, inFloat32] = [tinyTrainer({ precision }), tinyTrainer()];
    for (const run of [whole, inFloat32]) await run.finish();
    const store = new CheckpointStore(directory);
    await interrupted(store, 8, { precision });
    const rest = tinyTrainer({ precision, model: tinyModel(99) });
    await store.restore(rest.trainer, (await store.newest(silent))!);
    await rest.finish();
    expect(rest.weights()).toEqual(whole.weights());
    expect(rest.weights()).not.toEqual(inFloat32.weights());
    for (const run of [whole, inFloat32, rest]) run.end();
  });
});
