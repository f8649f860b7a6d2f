/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) as PyTorch computes it: weight decay is decoupled from the gradient,
 * and epsilon is added outside the square root and its bias correction.
 */
import * as tf from '@tensorflow/tfjs';
import { runAdamWStep } from '../lib/kernels';
import type { AdamWFactors } from '../lib/kernels/updates';
import { engine } from '../lib/tfjs_internals';
import { checkBoolean, checkFinite, checkKeys, checkPositive, invalid } from '../lib/validate';
import { inGroups } from './_groups';

/** Options of {@link AdamW}. */
export interface AdamWConfig {
  /** Default 1e-3. You may set it between steps: `optimizer.learningRate = 5e-4`. */
  learningRate?: number;
  /** Share of the first moment that each step keeps. Default 0.9. */
  beta1?: number;
  /** Share of the second moment that each step keeps. Default 0.999. */
  beta2?: number;
  /** Added to the denominator. Default 1e-8. */
  epsilon?: number;
  /** Each step removes this share of a weight, times the learning rate. Default 0.01. */
  weightDecay?: number;
  /** Whether biases, batch norms and scalars decay too; timm exempts them. Default false. */
  decayAll?: boolean;
}

const keys = ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'decayAll'];

/** The state of one variable: moments of its gradient, and the number of steps behind them. */
interface Moments {
  m: tf.Variable;
  v: tf.Variable;
  step: number;
}

/** A variable that is to be updated. */
interface Update {
  variable: tf.Variable;
  gradient: tf.Tensor;
  moments: Moments;
}

/**
 * With gradient g, at a variable's step t:
 *
 *   p = p (1 - lr weightDecay)
 *   m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
 *   p = p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 *
 * A variable without gradient is left alone: no step, no decay. Variables with at most one axis, and those named
 * `bias`, do not decay (timm's rule) unless `decayAll` is set.
 *
 * ```ts
 * model.compile({ optimizer: adamW({ learningRate: 5e-4, weightDecay: 0.06 }), loss });
 * ```
 */
export class AdamW extends tf.Optimizer {
  static className = 'AdamW';
  learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly decayAll: boolean;
  private moments = new Map<string, Moments>();

  constructor(config: AdamWConfig = {}) {
    super();
    checkKeys('AdamW', config, [...keys, 'customObjects']); // Which loading adds.
    const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = config;
    const { weightDecay = 0.01, decayAll = false } = config;
    checkNotNegative('learningRate', learningRate);
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      if (!(beta >= 0 && beta < 1)) throw invalid(name, 'a number from 0 to below 1', beta);
    }
    checkPositive('epsilon', epsilon);
    checkNotNegative('weightDecay', weightDecay);
    checkBoolean('decayAll', decayAll);
    this.learningRate = learningRate;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
    this.decayAll = decayAll;
  }

  override applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]) {
    const named = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients);
    const variables = engine().registeredVariables;
    const updates: Update[] = [];
    for (const [name, gradient] of named) {
      if (gradient == null) continue;
      const variable = variables[name];
      if (!variable) throw invalid('gradients', 'gradients of registered variables', name);
      updates.push({ variable, gradient, moments: this.momentsOf(variable) });
    }
    for (const group of inGroups(updates)) this.update(group);
    this.incrementIterations();
  }

  private update(group: Update[]): void {
    tf.tidy(() => {
      const p = group.map(({ variable }) => variable);
      const g = group.map(({ gradient }) => gradient);
      const m = group.map(({ moments }) => moments.m);
      const v = group.map(({ moments }) => moments.v);
      const next = runAdamWStep(
        { p, g, m, v },
        group.map((each) => this.factorsOf(each)),
      );
      for (const name of ['p', 'm', 'v'] as const) {
        for (const [i, variable] of { p, m, v }[name].entries()) variable.assign(next[name][i]!);
      }
    });
  }

  /** Of the variable's next step. */
  private factorsOf({ variable, moments }: Update): AdamWFactors {
    const { learningRate: lr, beta1, beta2, epsilon } = this;
    const t = ++moments.step;
    return {
      beta1,
      beta2,
      epsilon,
      kept: this.decays(variable) ? 1 - lr * this.weightDecay : 1,
      rate: lr / (1 - beta1 ** t),
      root: Math.sqrt(1 - beta2 ** t),
    };
  }

  private decays(variable: tf.Variable): boolean {
    if (this.weightDecay === 0) return false;
    const exempt = variable.rank <= 1 || /(^|\/)bias(_\d+)?$/.test(variable.name);
    return this.decayAll || !exempt;
  }

  private momentsOf({ name, shape }: tf.Variable): Moments {
    let found = this.moments.get(name);
    if (!found) {
      found = { m: zeros(shape), v: zeros(shape), step: 0 };
      this.moments.set(name, found);
    }
    return found;
  }

  override dispose(): void {
    for (const { m, v } of this.moments.values()) tf.dispose([m, v]);
    this.moments.clear();
  }

  /** The number of steps; then, for each variable that has had a gradient, `<name>/m`, `/v` and `/step`. */
  override async getWeights(): ReturnType<tf.Optimizer['getWeights']> {
    const weights = [await this.saveIterations()];
    for (const [name, { m, v, step }] of this.moments) {
      weights.push({ name: `${name}/m`, tensor: m }, { name: `${name}/v`, tensor: v });
      weights.push({ name: `${name}/step`, tensor: tf.scalar(step, 'int32') });
    }
    return weights;
  }

  /** Restores what `getWeights` returned, in this or another process. The caller keeps the tensors. */
  override async setWeights(weights: { name: string; tensor: tf.Tensor }[]): Promise<void> {
    const rest = await this.extractIterations(weights);
    const named = new Map(rest.map(({ name, tensor }) => [name, tensor]));
    const parts = (name: string) => ['m', 'v', 'step'].map((part) => named.get(`${name}/${part}`));
    const names = new Set([...named.keys()].map((name) => name.replace(/\/(m|v|step)$/, '')));
    for (const name of names) {
      if (parts(name).includes(undefined)) {
        throw invalid('weights', `complete: ${name}/m, ${name}/v and ${name}/step`, [
          ...named.keys(),
        ]);
      }
    }
    this.dispose();
    for (const name of names) {
      const [m, v, step] = parts(name) as tf.Tensor[];
      const copy = (x: tf.Tensor) => tf.tidy(() => tf.variable(x, false));
      this.moments.set(name, { m: copy(m!), v: copy(v!), step: (await step!.data())[0]! });
    }
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { learningRate, beta1, beta2, epsilon, weightDecay, decayAll } = this;
    return { learningRate, beta1, beta2, epsilon, weightDecay, decayAll };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config);
  }
}

function checkNotNegative(name: string, value: number): void {
  checkFinite(name, value);
  if (value < 0) throw invalid(name, 'a number from 0', value);
}

/** Not trainable: tf.train's optimizers update all trainable variables unless given a list. */
function zeros(shape: number[]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros(shape), false));
}

/**
 * An {@link AdamW} optimizer (arXiv 1711.05101), with PyTorch's defaults and results.
 *
 * @throws if an option is unknown or invalid
 */
export const adamW = (config?: AdamWConfig) => new AdamW(config);

tf.serialization.registerClass(AdamW);
