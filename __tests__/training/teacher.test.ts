/** Teachers: what models of all kinds answer, and how a Trainer asks them. */
import * as tf from '@tensorflow/tfjs';
import { modelTeacher, type Teacher, type TeacherBatch } from 'tfjs-spikingformer/training';
import { softTargetCrossEntropy } from '../../training/losses';
import type { TrainingLoss } from '../../training/training_loss';
import { describeFasterBackends } from '../support/backends';
import { expectForwardClose, valuesOf } from '../support/fixtures';
import { graphArtifacts } from '../support/graph_model';
import { expectNoLeak } from '../support/leaks';
import { tinyModel, tinyTrain, tinyTrainer } from '../support/training';

const at = { epoch: 0, batch: 0 };

/** A stock network for the tiny images; its last layer with that activation. */
const stock = (activation: 'linear' | 'softmax') =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'conv', filters: 5, kernelSize: 3, inputShape: [8, 8, 1] }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3, activation }),
    ],
  });

describeFasterBackends('what a teacher answers', () => {
  test('logits, and the means of a layer over its pixels', async () => {
    const model = stock('linear');
    const x = tf.randomNormal([4, 8, 8, 1], 0, 1, 'float32', 5);
    const teacher = modelTeacher(model, { featuresOf: 'conv' });
    const { logits, features } = await teacher.outputs(x, { at });
    const conv = model.getLayer('conv').apply(x) as tf.Tensor4D;
    expect(valuesOf(logits)).toEqual(valuesOf(model.predict(x) as tf.Tensor));
    expectForwardClose(features!, valuesOf(conv.mean([1, 2])));
    tf.dispose([logits, features!, conv]);
    await expectNoLeak(async () => tf.dispose({ ...(await teacher.outputs(x, { at })) }));
    x.dispose();
    model.dispose();
  });

  test('of a softmax its logarithm, which softens to the same labels at any temperature', async () => {
    const [ends, plain] = [stock('softmax'), stock('linear')];
    plain.setWeights(ends.getWeights());
    const x = tf.randomNormal([4, 8, 8, 1], 0, 1, 'float32', 5);
    const soft = async (model: tf.LayersModel) => {
      const { logits } = await modelTeacher(model).outputs(x, { at });
      return valuesOf(tf.tidy(() => logits.div(3).softmax()));
    };
    tf.tidy(() => {
      expect(valuesOf((ends.predict(x) as tf.Tensor).sum(-1)).data[0]).toBeCloseTo(1, 5);
    });
    expectForwardClose(await soft(ends), await soft(plain));
  });

  test('a probability of 0 gives a finite logit', async () => {
    const model = tf.sequential({
      layers: [tf.layers.activation({ activation: 'relu', inputShape: [2] })],
    });
    const { logits } = await modelTeacher(model, { probabilities: true }).outputs(
      tf.tensor([[0, 1]]),
      { at },
    );
    expect(logits.dataSync()[0]).toBeCloseTo(-87.3365, 3);
    expect(logits.dataSync()[1]).toBe(0);
  });

  test('a graph model: its first output, and a node as features', async () => {
    const model = await tf.loadGraphModel(tf.io.fromMemory(graphArtifacts));
    const x = tf.tensor([[1, -1]]);
    const { logits, features } = await modelTeacher(model, { featuresOf: 'hidden' }).outputs(x, {
      at,
    });
    expect([...logits.dataSync()]).toEqual([1, 2, 3]);
    expect([...features!.dataSync()]).toEqual([1, 0]);
    tf.dispose([logits, features!]);
    await expectNoLeak(async () =>
      tf.dispose({ ...(await modelTeacher(model).outputs(x, { at })) }),
    );
    tf.dispose(x);
    model.dispose();
  });

  test('other samples, other answers, other options: refused, with what came', () => {
    const model = stock('linear');
    const teacher = modelTeacher(model);
    tf.tidy(() => {
      expect(() => teacher.outputs(tf.ones([2, 4, 8, 1]), { at })).toThrow(
        'the teacher must be a model for samples [4,8,1], but got [8,8,1]',
      );
      expect(() => teacher.outputs(tf.ones([2, 8, 8]), { at })).toThrow(/for samples \[8,8\]/);
      const pixels = tf.sequential({
        layers: [tf.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1] })],
      });
      expect(() => modelTeacher(pixels).outputs(tf.ones([2, 8, 8, 1]), { at })).toThrow(
        "the teacher's answer must be [batch, classes], but got [2,6,6,2]",
      );
    });
    expect(() => modelTeacher(model, { featuresOf: 'cnov' })).toThrow(/\(Did you mean conv\?\)/);
    expect(() => modelTeacher(model, { layer: 'conv' } as never)).toThrow(/has no option 'layer'/);
    model.dispose();
  });
});

describeFasterBackends('a Trainer with a teacher', () => {
  /** Cross entropy, and with the teacher's answer as a second label. */
  const loss: TrainingLoss = {
    compute: ({ targets, logits, teacher }) =>
      softTargetCrossEntropy(targets, logits).add(
        softTargetCrossEntropy(teacher!.logits.softmax(), logits),
      ),
  };

  test('shows it the very batches that the student gets; nothing of it is trained or left', async () => {
    const before = tf.memory().numTensors;
    const model = stock('softmax');
    const weights = () => model.getWeights().map((w) => [...w.dataSync()]);
    const untrained = weights();
    const inner = modelTeacher(model);
    const seen: { pixels: number[]; batch: TeacherBatch }[] = [];
    const teacher: Teacher = {
      outputs(x, batch) {
        seen.push({ pixels: [...x.dataSync()], batch: structuredClone(batch) });
        return inner.outputs(x, batch);
      },
    };
    const { finish, end, weights: student } = tinyTrainer({ teacher, loss, epochs: 2 });
    const plain = tinyTrainer({ epochs: 2 });
    await finish();
    await plain.finish();
    expect(student()).not.toEqual(plain.weights());
    expect(weights()).toEqual(untrained);
    const shown: number[][] = [];
    for (const epoch of [0, 1]) {
      for await (const { data } of tinyTrain().batches(epoch, 0)) shown.push([...data]);
    }
    expect(seen.map(({ pixels }) => pixels)).toEqual(shown);
    expect(seen[7]!.batch).toMatchObject({ at: { epoch: 1, batch: 1 } });
    end();
    plain.end();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('makes safe what it keeps before each checkpoint, and at the end', async () => {
    const model = tinyModel(2);
    const events: string[] = [];
    const { finish, end } = tinyTrainer({
      loss,
      teacher: { ...modelTeacher(model), flush: async () => void events.push('flush') },
      save: async () => void events.push('save'),
      saveEverySteps: 4,
      epochs: 1,
    });
    await finish();
    expect(events).toEqual(['flush', 'save', 'flush', 'save', 'flush']);
    end();
    model.dispose();
  });

  test('that answers with NaN ends the run, and is named', async () => {
    const nan: Teacher = { outputs: (x) => ({ logits: tf.fill([x.shape[0]!, 3], Number.NaN) }) };
    const { finish, end } = tinyTrainer({ teacher: nan, loss });
    await expect(finish()).rejects.toThrow("NaN or Infinity in the teacher's outputs");
    end();
  });
});
