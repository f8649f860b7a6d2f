/** A whole Spike-driven Transformer whose blocks keep 25, 16 and 9 of 36 tokens, against TP-Spikformer's code. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { tokenOrder } from '../../lib/kept_tokens';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, loadFixture, modelInputToOurs, toTensor } from '../support/fixtures';
import { type Build, describeModelParity, type ModelMeta } from '../support/model_parity';

const name = 'tp_sdt_cifar';

/** As its script's args tell. */
const build: Build = (_, meta) => {
  const { tensors } = loadFixture(`models/${name}.state`);
  const { preset, config } = spiking.interop.recognizePreset(tensors, { args: meta.arguments });
  expect(config).toMatchObject({ keepTokens: [25, 16, 9], inputShape: [24, 24, 3] });
  return spiking.models.create(preset, config);
};

describeModelParity([name], build);

describeEachBackend('tokens of each block', () => {
  test.each([
    ['eval', false],
    ['train', true],
  ] as const)('are scored and chosen alike in %s mode', (mode, training) => {
    const io = loadFixture<ModelMeta>(`models/${name}.io`);
    const model = build(name, io.meta);
    spiking.interop.loadTorchStateDict(model, loadFixture(`models/${name}.state`).tensors);
    const blocks = ['block1', 'block2', 'block3'].map((block) => model.getLayer(block).input);
    const body = tf.model({ inputs: model.inputs, outputs: blocks as tf.SymbolicTensor[] });
    tf.tidy(() => {
      const x = toTensor(modelInputToOurs(io.values('x')));
      const inputs = body.apply(x, { training }) as tf.Tensor[];
      for (const [i, input] of inputs.entries()) {
        const scores = spiking.tokenScores(input);
        expectForwardClose(scores, io.values(`${mode}.scores.block.${i}`), `scores ${i}`);
        const expected = io.values(`${mode}.indices.block.${i}`);
        const chosen = tokenOrder(scores).order.slice([0, 0], expected.shape as [number, number]);
        expect(Array.from(chosen.dataSync())).toEqual(Array.from(expected.data));
      }
    });
    model.dispose();
  });
});
