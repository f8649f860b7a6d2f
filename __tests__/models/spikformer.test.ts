/** Whole Spikformers: streaming, saving, inference as training sees it, weights in and out, and what they refuse. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import type { SpikformerConfig } from '../../models';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, loadFixture } from '../support/fixtures';
import { compiled, predict, savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const image: SpikformerConfig = {
  inputShape: [8, 8, 2],
  numClasses: 3,
  embedDim: 16,
  depth: 2,
  numHeads: 4,
  mlpRatio: 2,
  timeSteps: 3,
  attnVThreshold: 0.2,
};

function build(config: SpikformerConfig): tf.LayersModel {
  const model = spiking.models.spikformer(config);
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const input = () => tf.randomUniform([2, 8, 8, 2], 0, 2, 'float32', 9);

describeEachBackend('models.spikformer', () => {
  test.each(['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const)(
    'with %s is trained, saved and loaded',
    async (order) => {
      const model = compiled(build({ ...image, order, projection: 'conv', tau: 3 }));
      const [x, y] = [input(), tf.ones([2, 3])];
      const before = predict(model, x);
      await model.trainOnBatch(x, y);
      const loaded = await savedAndLoaded(model);
      expect(predict(loaded, x)).toEqual(predict(model, x));
      expect(predict(loaded, x)).not.toEqual(before);
      model.layers.forEach((layer, i) => {
        if (layer.name === 'head') return;
        expect(loaded.layers[i]!.getConfig()).toEqual(layer.getConfig());
      });
      tf.dispose([x, y]);
      loaded.dispose();
      model.dispose();
    },
  );

  test('answers frame by frame as it does at once', async () => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const whole = build(image);
        const stream = build({ ...image, timeSteps: 1, stateful: true });
        const x = input();
        const logits = [0, 1, 2].map(() => stream.predict(x) as tf.Tensor);
        expectForwardClose(tf.stack(logits).mean(0), whole.predict(x) as tf.Tensor);
        whole.dispose();
        stream.dispose();
      });
    });
  });

  test('infers what its gradient sees: whole numbers between the blocks, spikes within', () => {
    const model = build(image);
    const x = input();
    tf.tidy(() => {
      const quick = model.apply(x, { training: false }) as tf.Tensor;
      let recorded: tf.Tensor | undefined;
      tf.grad((z) => {
        recorded = tf.keep((model.apply(z, { training: false }) as tf.Tensor).clone());
        return recorded.sum().asScalar();
      })(x);
      expectForwardClose(quick, recorded!, 'logits');
      recorded!.dispose();
      const stream = tf.model({ inputs: model.inputs, outputs: model.getLayer('block2').output });
      const values = new Set((stream.predict(x) as tf.Tensor).dataSync());
      expect([...values].every((n) => Number.isInteger(n) && n >= 0 && n <= 6)).toBe(true);
      expect(values.size).toBeGreaterThan(2);
    });
    const neurons = spiking.observe(model, x);
    const perBlock = ['q_lif', 'k_lif', 'v_lif', 'attn_lif', 'proj_lif'].map(
      (lif) => `attn/${lif}`,
    );
    expect([...neurons.keys()]).toEqual([
      ...['stage1', 'stage2', 'stage3', 'stage4', 'rpe'].map((stage) => `tokenizer/${stage}/lif`),
      ...['block1', 'block2'].flatMap((block) =>
        [...perBlock, 'mlp/lif1', 'mlp/lif2'].map((lif) => `${block}/${lif}`),
      ),
    ]);
    tf.dispose([...neurons.values(), x]);
    model.dispose();
  });

  test('finds every kernel that it needs', () => {
    const model = build(image);
    expect(spiking.checkBackend(model, { training: true }).missing).toEqual([]);
    model.dispose();
  });

  test("gives back the authors' state dict, to the bit", () => {
    const name = 'models/cml_spikformer_cifar.state';
    const { tensors } = loadFixture(name);
    const model = spiking.models.spikformer({
      inputShape: [32, 32, 3],
      numClasses: 10,
      embedDim: 32,
      depth: 1,
      numHeads: 4,
      timeSteps: 2,
    });
    spiking.interop.loadTorchStateDict(model, tensors);
    const back = spiking.interop.toTorchStateDict(model);
    expect(Object.keys(back).sort()).toEqual(Object.keys(tensors).sort());
    const held = Object.keys(back).filter((key) => !/norm\d\.|num_batches_tracked/.test(key));
    expect(held.length).toBeGreaterThan(40);
    for (const key of held) expect(back[key]).toEqual(tensors[key]);
    model.dispose();
  });

  test('refuses what it does not know, by its own name', async () => {
    await expectNoLeak(() => {
      const unknown = { ...image, heads: 2 } as SpikformerConfig;
      expect(() => spiking.models.spikformer(unknown)).toThrow(
        "spikformer has no option 'heads'; its options are inputShape, ",
      );
      const projection = 'dense' as 'conv';
      expect(() => spiking.models.spikformer({ ...image, projection })).toThrow(
        "projection must be one of 'linear', 'conv', but got 'dense'",
      );
      const config = { ...image, projection: 'conv' } as never;
      expect(() => spiking.models.spikingformer(config)).toThrow(
        "spikingformer has no option 'projection'",
      );
    });
  });
});
