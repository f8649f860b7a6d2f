/** Scores of tokens, and the order that follows, against TP-Spikformer's code: indices exactly. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { onKeptTokens, tokenOrder } from '../../lib/kept_tokens';
import { spatialScores, temporalScores } from '../../lib/token_scores';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, loadFixture, toTensor } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

const { tokenScores } = spiking;

describeEachBackend('scores of tokens', () => {
  test.each([
    ['scores_sdt', 3],
    ['scores_qk', 7],
  ])('%s', (name, windowSize) => {
    const fixture = loadFixture<{ k: number }>(`ops/${name}`);
    const count = fixture.meta.k ** 2;
    tf.tidy(() => {
      const x = toTensor(fixture.activation('x'));
      expectForwardClose(temporalScores(x), fixture.values('temporal'), 'temporal');
      expectForwardClose(spatialScores(x, windowSize), fixture.values('spatial'), 'spatial');
      const scores = tokenScores(x, { windowSize });
      expectForwardClose(scores, fixture.values('final'), 'both');
      const { order } = tokenOrder(scores);
      const first = order.slice([0, 0], [order.shape[0], count]);
      expect(Array.from(first.dataSync())).toEqual(Array.from(fixture.values('indices').data));
      const y = onKeptTokens(x, { keepTokens: count, windowSize }, (tokens) => {
        expectForwardClose(tokens, fixture.activation('kept'), 'kept');
        return tokens.mul(2).add(1);
      });
      expectForwardClose(y, fixture.activation('scattered'), 'scattered');
    });
  });

  test('with one time step the surroundings alone decide, and nothing is NaN', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([2, 1, 3, 4, 5], -1, 1, 'float32', 1);
      const scores = tokenScores(x);
      expectForwardClose(scores, spatialScores(x, 3).add(1 / 12));
      expect(scores.isNaN().any().dataSync()[0]).toBe(0);
    });
  });

  test('of equal scores the earlier token comes first', () => {
    tf.tidy(() => {
      const { order, places } = tokenOrder(tf.tensor3d([0, 1, 0, 1, 2, 0], [1, 2, 3]));
      expect(Array.from(order.dataSync())).toEqual([4, 1, 3, 0, 2, 5]);
      expect(Array.from(places.dataSync())).toEqual([3, 1, 4, 2, 0, 5]);
    });
  });

  test('tokens that pass by have gradient 1, those kept that of what they pass, scores none', async () => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const x = tf.randomUniform([2, 3, 4, 4, 2], 0, 1, 'float32', 5);
        const run = (y: tf.Tensor) => onKeptTokens(y, { keepTokens: 0.3, windowSize: 3 }, double);
        const double = (tokens: tf.Tensor) => tokens.mul(2);
        const g = tf.randomNormal(x.shape, 0, 1, 'float32', 6);
        const gradient = tf.grad((y) => run(y).mul(g).sum())(x);
        const factor = run(x).div(x); // 2 of kept tokens, else 1
        expectForwardClose(gradient, g.mul(factor));
        expect(factor.sub(1).sum().dataSync()[0]).toBeCloseTo(2 * 3 * 4 * 2, 3); // 4 of 16 tokens
      });
    });
  });

  test('all tokens kept is all tokens', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([1, 2, 2, 3, 2], 0, 1, 'float32', 7);
      const y = onKeptTokens(x, { keepTokens: 6, windowSize: 3 }, (tokens) => tokens.mul(2));
      expectForwardClose(y, x.mul(2));
    });
  });
});

describe('errors', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('name the argument', () => {
    tf.tidy(() => {
      const x = tf.zeros([1, 2, 3, 3, 4]);
      expect(() => tokenScores(x, { windowSize: 4 })).toThrow('windowSize must be odd, but got 4');
      expect(() => tokenScores(x, { window: 3 } as never)).toThrow('tokenScores has no option');
      expect(() => tokenScores(tf.zeros([1, 2, 9, 4]))).toThrow(
        'x must be of shape [batch, time, height, width, channels], but got [1,2,9,4]',
      );
    });
  });
});
