/** Networks whose blocks keep their most informative tokens, of every family that can: what they compute. */
import * as tf from '@tensorflow/tfjs';
import { describeFasterBackends } from '../support/backends';
import { predict } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';
import { build, images, names } from './pruned_networks';

describeFasterBackends('networks that keep some tokens', () => {
  test.each(names)('%s: share, number and list; all of them is the network without', (name) => {
    const x = images();
    const answer = (keepTokens?: number | (number | null)[]) => {
      const model = build(name, { keepTokens });
      const logits = predict(model, x);
      model.dispose();
      return logits;
    };
    const whole = answer();
    expect(answer([null, null, null])).toEqual(whole);
    expect(answer(0.5)).not.toEqual(whole);
    const half = name === 'qkformer' ? [128, 32, 8] : [8, 8, 8]; // of 256, 64, 16; of 16
    expect(answer(half)).toEqual(answer(0.5));
    x.dispose();
  });

  test('training moves statistics by the tokens kept, and every weight', async () => {
    const model = build('sdt', { keepTokens: 0.25 });
    const x = images();
    await expectNoLeak(() => {
      tf.tidy(() => {
        const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const { grads } = tf.variableGrads(
          () => (model.apply(x, { training: true }) as tf.Tensor).square().sum(),
          variables,
        );
        const dead = Object.keys(grads).filter((key) =>
          grads[key]!.dataSync().every((g) => g === 0),
        );
        // Biases in front of batch norms have none.
        expect(dead.filter((key) => !/(fc1|fc2|proj)\/bias/.test(key))).toEqual([]);
      });
    });
    x.dispose();
    model.dispose();
  });
});
