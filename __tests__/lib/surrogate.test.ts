/** Surrogate gradients: densities around the threshold, finite wherever the membrane is. */
import * as tf from '@tensorflow/tfjs';
import { surrogateGradient, surrogateNames } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';

const defaults = {
  sigmoid: 4,
  atan: 2,
  piecewiseQuadratic: 1,
  piecewiseExp: 1,
  softSign: 2,
  erf: 2,
};

/** Values at u = 0 by FACTS' formulas, as functions of alpha. */
const peaks: Record<string, (alpha: number) => number> = {
  sigmoid: (alpha) => alpha / 4,
  atan: (alpha) => alpha / 2,
  piecewiseQuadratic: (alpha) => alpha,
  piecewiseExp: (alpha) => alpha / 2,
  softSign: (alpha) => alpha / 2,
  erf: (alpha) => alpha / Math.sqrt(Math.PI),
};

test('there are the six of SpikingJelly', () => {
  expect(surrogateNames).toEqual(Object.keys(defaults));
});

describeEachBackend('the surrogate gradient', () => {
  describe.each(surrogateNames)('%s', (name) => {
    test.each([undefined, 0.5, 3])('with alpha %p integrates to 1', (alpha) => {
      // u = t / (1 - t^2) maps (-1, 1) onto all numbers, tails included.
      const steps = 20_000;
      const t = Float64Array.from({ length: steps }, (_, i) => ((i + 0.5) / steps) * 2 - 1);
      const u = Float32Array.from(t, (ti) => ti / (1 - ti * ti));
      const density = tf.tidy(() => surrogateGradient(tf.tensor1d(u), name, alpha).dataSync());
      const integral = t.reduce((sum, ti, i) => {
        const du = ((1 + ti * ti) / (1 - ti * ti) ** 2) * (2 / steps);
        return sum + density[i]! * du;
      }, 0);
      expect(integral).toBeCloseTo(1, 3);
    });

    test('has its peak at the threshold, with its own alpha where none is given', () => {
      tf.tidy(() => {
        const at = (u: number, alpha?: number) =>
          surrogateGradient(tf.tensor1d([u]), name, alpha).dataSync()[0]!;
        expect(at(0)).toBeCloseTo(peaks[name]!(defaults[name]), 5);
        expect(at(0, 1.5)).toBeCloseTo(peaks[name]!(1.5), 5);
        expect(at(0.2)).toBeLessThan(at(0));
        expect(at(-0.3)).toBeCloseTo(at(0.3), 6);
      });
    });

    test('is finite and not negative however far the membrane is', () => {
      const magnitudes = [0, 1e-30, 1e-3, 1, 9, 50, 88, 89, 1e3, 1e10, 1e20, 1e30];
      const u = [...magnitudes, ...magnitudes.map((m) => -m)];
      const gradient = tf.tidy(() => surrogateGradient(tf.tensor1d(u), name).dataSync());
      expect(gradient.every((g) => Number.isFinite(g) && g >= 0)).toBe(true);
    });
  });
});
