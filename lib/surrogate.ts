/**
 * Surrogate gradients: what stands in for the derivative of the firing step, at u = h - vThreshold.
 * Names and default alphas are SpikingJelly's; every form is written so that it cannot overflow.
 */
import * as tf from '@tensorflow/tfjs';
import { checkOneOf, checkPositive } from './validate';

/** A surrogate's derivative, for numbers (typed-array kernels) and for tensors (the composed form). */
interface Surrogate {
  /** Sharpness that SpikingJelly takes where none is given. */
  readonly alpha: number;
  /** The derivative as a function of u alone, constants computed once. */
  derivative(alpha: number): (u: number) => number;
  /** The same on a tensor of any shape. */
  tensorDerivative(u: tf.Tensor, alpha: number): tf.Tensor;
}

const surrogates = {
  /** alpha s (1 - s) with s = sigmoid(alpha u); e / (1 + e)^2 with e = exp(-|alpha u|) is the same, and bounded. */
  sigmoid: {
    alpha: 4,
    derivative: (alpha) => (u) => {
      const e = Math.exp(-Math.abs(alpha * u));
      return (alpha * e) / ((1 + e) * (1 + e));
    },
    tensorDerivative: (u, alpha) => {
      const e = u.mul(alpha).abs().neg().exp();
      return e.mul(alpha).div(e.add(1).square());
    },
  },
  /** (alpha / 2) / (1 + (pi alpha u / 2)^2) */
  atan: {
    alpha: 2,
    derivative: (alpha) => (u) => {
      const z = (Math.PI / 2) * alpha * u;
      return alpha / 2 / (1 + z * z);
    },
    tensorDerivative: (u, alpha) =>
      u
        .mul((Math.PI / 2) * alpha)
        .square()
        .add(1)
        .reciprocal()
        .mul(alpha / 2),
  },
  /** alpha - alpha^2 |u| where that is positive, else 0 */
  piecewiseQuadratic: {
    alpha: 1,
    derivative: (alpha) => (u) => Math.max(0, alpha - alpha * alpha * Math.abs(u)),
    tensorDerivative: (u, alpha) =>
      u
        .abs()
        .mul(-alpha * alpha)
        .add(alpha)
        .relu(),
  },
  /** (alpha / 2) exp(-alpha |u|) */
  piecewiseExp: {
    alpha: 1,
    derivative: (alpha) => (u) => (alpha / 2) * Math.exp(-alpha * Math.abs(u)),
    tensorDerivative: (u, alpha) =>
      u
        .abs()
        .mul(-alpha)
        .exp()
        .mul(alpha / 2),
  },
  /** 1 / (2 alpha (1 / alpha + |u|)^2) */
  softSign: {
    alpha: 2,
    derivative: (alpha) => (u) => {
      const z = 1 / alpha + Math.abs(u);
      return 1 / (2 * alpha * z * z);
    },
    tensorDerivative: (u, alpha) =>
      u
        .abs()
        .add(1 / alpha)
        .square()
        .mul(2 * alpha)
        .reciprocal(),
  },
  /** (alpha / sqrt(pi)) exp(-alpha^2 u^2) */
  erf: {
    alpha: 2,
    derivative: (alpha) => (u) => (alpha / Math.sqrt(Math.PI)) * Math.exp(-alpha * alpha * u * u),
    tensorDerivative: (u, alpha) =>
      u
        .mul(alpha)
        .square()
        .neg()
        .exp()
        .mul(alpha / Math.sqrt(Math.PI)),
  },
} satisfies Record<string, Surrogate>;

/** `'sigmoid'`, `'atan'`, `'piecewiseQuadratic'`, `'piecewiseExp'`, `'softSign'` or `'erf'`. */
export type SurrogateName = keyof typeof surrogates;

/** All surrogates' names, in the order that numbers them in native kernels. */
export const surrogateNames = Object.keys(surrogates) as SurrogateName[];

/** The surrogate of that name. Throws, listing the names there are, on any other. */
export function getSurrogate(name: SurrogateName): Surrogate {
  checkOneOf('surrogate', name, surrogateNames);
  return surrogates[name];
}

/**
 * The surrogate gradient at u, of any shape: the membrane's distance from its threshold.
 *
 * ```ts
 * surrogateGradient(tf.tensor1d([-1, 0, 1]), 'atan').print();
 * ```
 */
export function surrogateGradient(
  u: tf.Tensor,
  name: SurrogateName,
  alpha: number = getSurrogate(name).alpha,
): tf.Tensor {
  checkPositive('alpha', alpha);
  return tf.tidy(() => getSurrogate(name).tensorDerivative(u, alpha));
}
