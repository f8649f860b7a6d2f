/**
 * Surrogate gradients: they replace the derivative of the firing step, at u = h - vThreshold. Names and default alphas
 * are SpikingJelly's; no form can overflow.
 */
import * as tf from '@tensorflow/tfjs';
import { shared } from '../shared';
import { checkKeys, checkOneOf, checkPositive, invalid } from '../validate';

/** A surrogate's derivative. */
interface Surrogate {
  /** Default sharpness: SpikingJelly's. */
  readonly alpha: number;
  /** On a tensor of any shape, as the composed form computes it. */
  tensorDerivative(u: tf.Tensor, alpha: number): tf.Tensor;
  /** The distance |u| beyond which it is 0 and blocks any gradient. Default: unlimited. */
  reach?(alpha: number): number;
}

interface BuiltIn extends Surrogate {
  /** The same as a function of one number, with constants computed once, for typed-array kernels. */
  derivative(alpha: number): (u: number) => number;
}

const surrogates = {
  /**
   * alpha s (1 - s) with s = sigmoid(alpha u), computed as alpha e / (1 + e)^2 with e = exp(-|alpha u|), which is
   * bounded.
   */
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
  /** alpha - alpha^2 |u| up to |u| = 1 / alpha, beyond it 0 */
  piecewiseQuadratic: {
    alpha: 1,
    derivative: (alpha) => (u) => Math.max(0, alpha - alpha * alpha * Math.abs(u)),
    tensorDerivative: (u, alpha) =>
      u
        .abs()
        .mul(-alpha * alpha)
        .add(alpha),
    reach: (alpha) => 1 / alpha,
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
} satisfies Record<string, BuiltIn>;

/** The built-in surrogates, which kernels have; `surrogateNames` lists them. */
export type SurrogateName = keyof typeof surrogates;

/** The names of all surrogates, in the order in which native kernels number them. */
export const surrogateNames = Object.keys(surrogates) as SurrogateName[];

/** A built-in surrogate by name, or one added by `registerSurrogate`. */
export type AnySurrogateName = SurrogateName | (string & {});

/** The parts of a user's surrogate. */
export interface SurrogateDefinition {
  /** Sharpness if a neuron gives none. Default 1. */
  alpha?: number;
  /** The derivative at u, of any shape, in tfjs operations: finite and not negative wherever u is finite. */
  derivative(u: tf.Tensor, alpha: number): tf.Tensor;
}

const users = /* @__PURE__ */ shared('surrogates', () => new Map<string, Surrogate>());

/**
 * Adds your surrogate, which every neuron and layer then accepts by that name. Firing is the same for all surrogates,
 * so spikes still come from the fast kernels; the gradient is the composed form's. A model file stores only the name:
 * register the surrogate before you load.
 *
 * ```ts
 * registerSurrogate('fastSigmoid', { alpha: 25, derivative: (u, alpha) => u.abs().mul(alpha).add(1).square().reciprocal() });
 * const layer = spiking.layers.lifNode({ surrogate: 'fastSigmoid' });
 * ```
 *
 * @param name In lowerCamelCase, as model files store it; not a built-in name. It replaces a registered one of the same
 * name.
 */
export function registerSurrogate(name: string, definition: SurrogateDefinition): void {
  if (typeof name !== 'string' || !/^[a-z][a-zA-Z0-9]*$/.test(name)) {
    throw invalid('name', 'in lowerCamelCase', name);
  }
  if (isBuiltInSurrogate(name)) {
    throw invalid('name', `a name other than the built-in ${surrogateNames.join(', ')}`, name);
  }
  checkKeys('registerSurrogate', definition, ['alpha', 'derivative']);
  const { alpha = 1, derivative } = definition;
  checkPositive('alpha', alpha);
  if (typeof derivative !== 'function') throw invalid('derivative', 'a function', derivative);
  users.set(name, { alpha, tensorDerivative: derivative });
}

/** Whether kernels have a built-in surrogate of that name. */
export function isBuiltInSurrogate(name: string): name is SurrogateName {
  return Object.hasOwn(surrogates, name);
}

/** The surrogate of that name. Throws on any other name, and lists the known ones. */
export function getSurrogate(name: SurrogateName): BuiltIn;
export function getSurrogate(name: AnySurrogateName): Surrogate;
export function getSurrogate(name: AnySurrogateName): Surrogate {
  const own = users.get(name);
  if (own) return own;
  checkOneOf('surrogate', name, [...surrogateNames, ...users.keys()]);
  return surrogates[name as SurrogateName];
}

/**
 * The surrogate gradient at u (the membrane's distance from its threshold), of any shape.
 *
 * ```ts
 * surrogateGradient(tf.tensor1d([-1, 0, 1]), 'atan').print();
 * ```
 */
export function surrogateGradient(
  u: tf.Tensor,
  name: AnySurrogateName,
  alpha: number = getSurrogate(name).alpha,
): tf.Tensor {
  checkPositive('alpha', alpha);
  return tf.tidy(() => {
    const surrogate = getSurrogate(name);
    return withinReach(surrogate.tensorDerivative(u, alpha), u, surrogate, alpha);
  });
}

/** The numbers of x, 0 where u is beyond the surrogate's reach, even in place of a NaN. */
function withinReach(x: tf.Tensor, u: tf.Tensor, surrogate: Surrogate, alpha: number): tf.Tensor {
  if (!surrogate.reach) return x;
  return tf.where(u.abs().greater(surrogate.reach(alpha)), tf.zerosLike(x), x);
}

/** The distance |u| beyond which a built-in surrogate is 0. */
export function surrogateReach(name: SurrogateName, alpha: number): number {
  const surrogate: BuiltIn = surrogates[name];
  return surrogate.reach?.(alpha) ?? Infinity;
}

/** dy times the surrogate gradient at u: the gradient of a firing step. */
export function throughSurrogate(
  dy: tf.Tensor,
  u: tf.Tensor,
  name: AnySurrogateName,
  alpha: number,
): tf.Tensor {
  return tf.tidy(() => {
    const surrogate = getSurrogate(name);
    return withinReach(dy.mul(surrogate.tensorDerivative(u, alpha)), u, surrogate, alpha);
  });
}
