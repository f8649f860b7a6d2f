/** Whole SpikeBERTs against the authors' PyTorch code: spikes, logits, representations, losses, gradients. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  softTargetCrossEntropy,
  spikeBertOutputs,
  spikeBertStageTwo,
} from 'tfjs-spikingformer/training';
import { torchEntries } from '../../models/families';
import { describeFasterBackends } from '../support/backends';
import {
  expectForwardClose,
  expectGradClose,
  expectSpikesEqual,
  type Fixture,
  loadFixture,
  toTensor,
} from '../support/fixtures';
import { spikesToOurs } from '../support/state_parity';

interface Meta {
  arguments: object;
  parameters: number;
  lif: Record<string, unknown>;
}

/** By its keys and the script's arguments alone. */
function recognized(name: string, { arguments: args }: Meta): tf.LayersModel {
  const { tensors } = loadFixture(`models/spikebert_${name}.state`);
  const { preset, config } = spiking.interop.recognizePreset(tensors, { args });
  const model = spiking.models.create(preset, config);
  spiking.interop.loadTorchStateDict(model, tensors);
  return model;
}

function gradientsOf(model: tf.LayersModel, loss: () => tf.Scalar): Map<string, tf.Tensor> {
  const entries = torchEntries(model);
  const { grads } = tf.variableGrads(
    loss,
    entries.map(({ variable }) => variable!.read() as tf.Variable),
  );
  return new Map(
    entries
      .filter(({ variable }) => grads[variable!.name])
      .map(({ key, variable }) => [key, grads[variable!.name]!]),
  );
}

function expectGradients(found: Map<string, tf.Tensor>, train: Fixture<unknown>): void {
  expect([...found.keys()].sort()).toEqual(train.names('grad.').sort());
  for (const [key, gradient] of found) {
    const name = `grad.${key}`;
    const expected = key === 'emb.weight' ? train.values(name) : train.weight(name);
    expectGradClose(gradient, expected, `gradient of ${key}`);
  }
}

describeFasterBackends('SpikeBERT', () => {
  test('needs no kernel that the backend lacks', () => {
    const sizes = { inputShape: [4], vocabSize: 5, embedDim: 8, depth: 1, numHeads: 2 };
    const options = { numClasses: 2, padId: 0, positions: true };
    const model = spiking.models.spikeBert({ ...sizes, ...options });
    expect(spiking.checkBackend(model, { training: true }).missing).toEqual([]);
    model.dispose();
  });

  describe.each(['classifier_tau2', 'classifier_tau10', 'distill_tau2'])('%s', (name) => {
    const io = loadFixture<Meta>(`models/spikebert_${name}.io`);
    const train = loadFixture(`models/spikebert_${name}.train`);
    let model: tf.LayersModel;
    let ids: tf.Tensor;
    let targets: tf.Tensor;

    beforeEach(() => {
      model = recognized(name, io.meta);
      [ids, targets] = tf.tidy(() => [
        toTensor(io.values('input_ids')).toInt(),
        tf.oneHot(toTensor(io.values('target')).toInt(), 2),
      ]) as [tf.Tensor, tf.Tensor];
    });
    afterEach(() => {
      model.dispose();
      tf.dispose([ids, targets]);
    });

    test('has as many parameters, and its state dict comes back', () => {
      const { parameters } = spiking.models.countParameters(model);
      expect(parameters).toBe(io.meta.parameters);
      const { tensors } = loadFixture(`models/spikebert_${name}.state`);
      const back = spiking.interop.toTorchStateDict(model);
      expect(Object.keys(back).sort()).toEqual(Object.keys(tensors).sort());
      for (const [key, { shape, data }] of Object.entries(back)) {
        expect({ key, shape, data }).toEqual({
          key,
          shape: tensors[key]!.shape,
          data: tensors[key]!.data,
        });
      }
    });

    test.each([true, false])('fires and answers alike, training %p', (training) => {
      const spikes = [...spiking.observe(model, ids, { training })];
      const lifs = Object.keys(io.meta.lif);
      expect(spikes).toHaveLength(lifs.length);
      spikes.forEach(([path, s], i) => {
        expectSpikesEqual(s, spikesToOurs(io.values(`lif.${lifs[i]}`)), path);
        s.dispose();
      });
      tf.tidy(() => {
        const encoded = (model.layers[1]!.apply(ids) as tf.Tensor).slice([0, 3], [3, 1]);
        expectSpikesEqual(encoded.squeeze([1]), io.values('lif.embedding'), 'embedding');
        const logits = model.apply(ids, { training }) as tf.Tensor;
        expectForwardClose(logits, io.values('logits'), 'logits');
        const perStep = spiking.models.logitsPerStep(model, ids);
        expectForwardClose(perStep, io.values('logits_per_step'), 'logits per step');
        const { representations } = spikeBertOutputs(model, ids, { training });
        representations.forEach((representation, i) => {
          expectForwardClose(representation, io.values(`representation${i}`));
        });
      });
    });

    test('answers alike whatever the order of tokens, as it has no positions', () => {
      tf.tidy(() => {
        const reversed = model.predict(ids.reverse(1)) as tf.Tensor;
        expectForwardClose(reversed, io.values('logits'), 'logits of reversed tokens');
      });
    });

    if (name.startsWith('classifier')) {
      test.each([true, false])('learns alike, training %p', (training) => {
        tf.tidy(() => {
          const loss = () =>
            softTargetCrossEntropy(targets, model.apply(ids, { training }) as tf.Tensor);
          expectForwardClose(loss(), io.values('loss'), 'loss');
          expectGradients(gradientsOf(model, loss), train);
        });
      });
      return;
    }

    test('learns alike from a teacher', () => {
      tf.tidy(() => {
        const teacher = {
          embeddings: toTensor(io.values('teacher.embedding')),
          logits: toTensor(io.values('teacher.logits')),
          representations: [0, 1].map((i) => toTensor(io.values(`teacher.representation${i}`))),
        };
        const losses = () => spikeBertStageTwo(spikeBertOutputs(model, ids), teacher, targets);
        const { total, embeddings, crossEntropy, logits, representations } = losses();
        expectForwardClose(embeddings, io.values('loss_embedding'), 'embeddings');
        expectForwardClose(crossEntropy, io.values('loss_ce'), 'cross entropy');
        expectForwardClose(logits, io.values('loss_kl'), 'logits');
        expectForwardClose(representations, io.values('loss_representation'), 'representations');
        expectForwardClose(total, io.values('loss'), 'total');
        expectGradients(
          gradientsOf(model, () => losses().total),
          train,
        );
      });
    });
  });
});
