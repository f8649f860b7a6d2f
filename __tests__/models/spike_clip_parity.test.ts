/** SpikeCLIP's image encoder against the authors' PyTorch code, its two losses, and zero-shot answers. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { spikeClipAlignment, spikeClipDual } from 'tfjs-spikingformer/training';
import { torchEntries } from '../../models/families';
import { describeFasterBackends } from '../support/backends';
import {
  expectForwardClose,
  expectGradClose,
  expectGradVanishes,
  loadFixture,
  modelInputToOurs,
  toTensor,
} from '../support/fixtures';
import { describeModelParity, type ModelMeta } from '../support/model_parity';

/** By its keys and the script's arguments alone. */
function recognized(name: string, { arguments: args }: ModelMeta): tf.LayersModel {
  const { tensors } = loadFixture(`models/${name}.state`);
  const { preset, config } = spiking.interop.recognizePreset(tensors, { args });
  expect(preset).toBe('spikeclip-image-4-384');
  return spiking.models.create(preset, config);
}

describeModelParity(['spikeclip_image'], recognized);

describeFasterBackends('SpikeCLIP', () => {
  test.each([true, false])('learns to answer in the direction of CLIP, training %p', (training) => {
    const [io, train] = ['io', 'train'].map((part) =>
      loadFixture<ModelMeta>(`models/spikeclip_image_align.${part}`),
    );
    tf.tidy(() => {
      const model = recognized('spikeclip_image_align', io!.meta);
      const { tensors } = loadFixture('models/spikeclip_image_align.state');
      spiking.interop.loadTorchStateDict(model, tensors);
      const mode = training ? 'train' : 'eval';
      const x = toTensor(modelInputToOurs(io!.values('x')));
      const teacher = toTensor(io!.values('clip_features'));
      const embed = (input: tf.Tensor) => model.apply(input, { training }) as tf.Tensor;
      expectForwardClose(embed(x), io!.values(`${mode}.logits`), 'embedding');
      const loss = (input: tf.Tensor) => spikeClipAlignment(embed(input), teacher);
      expectForwardClose(loss(x), io!.values(`${mode}.loss`), 'loss');
      if (!training) return;
      const gradient = modelInputToOurs(train!.values('grad_input'));
      expectGradClose(tf.grad(loss)(x), gradient, 'gradient of the input');
      const learnt = torchEntries(model).filter(({ variable }) => variable?.trainable);
      const { grads } = tf.variableGrads(
        () => loss(x),
        learnt.map(({ variable }) => variable!.read() as tf.Variable),
      );
      for (const { key, variable } of learnt) {
        const weight = (name: string) => train!.weight(`grad.${name}`);
        const found = grads[variable!.name]!;
        if (/_conv\.bias$/.test(key))
          expectGradVanishes(found, weight(key.replace(/bias$/, 'weight')), key);
        else expectGradClose(found, weight(key), key);
      }
      model.dispose();
    });
  });

  test('fine-tunes with both losses at once', () => {
    const fixture = loadFixture('ops/spikeclip_dual_loss');
    tf.tidy(() => {
      const [features, teacher] = ['features', 'teacher_features'].map((name) =>
        toTensor(fixture.values(name)),
      );
      const classes = toTensor(fixture.values('class_weights')).transpose();
      const targets = tf.oneHot(toTensor(fixture.values('target')).toInt(), 6);
      expectForwardClose(spiking.models.zeroShot(features!, classes), fixture.values('logits'));
      const losses = (x: tf.Tensor) => spikeClipDual(x, teacher!, classes, targets);
      const { crossEntropy, divergence } = losses(features!);
      expectForwardClose(crossEntropy, fixture.values('ce'), 'cross entropy');
      expectForwardClose(divergence, fixture.values('kl'), 'divergence');
      const gradient = tf.grad((x) => losses(x).total)(features!);
      expectGradClose(gradient, fixture.values('grad_features'));
    });
  });
});
