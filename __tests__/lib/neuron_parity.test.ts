/** Neurons against SpikingJelly's: spikes exactly, membranes and gradients within the fixtures' tolerance. */
import * as tf from '@tensorflow/tfjs';
import type { LIFParams, SurrogateName } from 'tfjs-spikingformer';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import {
  expectClose,
  expectForwardClose,
  expectGradClose,
  expectSpikesEqual,
  GRAD,
  loadFixture,
  timeFirstToOurs,
  toTensor,
  type Values,
} from '../support/fixtures';

interface NeuronCase {
  name: string;
  tau?: number;
  v_threshold: number;
  v_reset: number | null;
  detach_reset: boolean;
  decay_input?: boolean;
  surrogate: string;
}

/** 'piecewise_quadratic1' is piecewiseQuadratic with alpha 1. */
function surrogateOf(name: string): { surrogate: SurrogateName; alpha: number } {
  const [, letters, alpha] = /^([a-z_]+)([\d.]+)$/.exec(name)!;
  const surrogate = letters!.replace(/_(.)/g, (_, c: string) => c.toUpperCase());
  return { surrogate: surrogate as SurrogateName, alpha: Number(alpha) };
}

function paramsOf(c: NeuronCase) {
  return {
    vThreshold: c.v_threshold,
    vReset: c.v_reset,
    detachReset: c.detach_reset,
    ...surrogateOf(c.surrogate),
  };
}

const lif = loadFixture<{ cases: NeuronCase[] }>('ops/lif');
const ifNode = loadFixture<{ cases: NeuronCase[] }>('ops/if_node');
const plif = loadFixture<{ cases: NeuronCase[] }>('ops/plif');

/** The step before the first: v of step t is what the trace calls v, and its last is the state. */
function lastStep({ shape, data }: Values): Values {
  const size = data.length / shape[0]!;
  return { shape: shape.slice(1), data: data.slice(-size) };
}

/** Batch-first data of one step `(N,C,H,W)` in our layout. */
const stateToOurs = (values: Values): Values => {
  const { shape, data } = timeFirstToOurs({ shape: [1, ...values.shape], data: values.data });
  return { shape: [shape[0]!, ...shape.slice(2)], data };
};

describeEachBackend('neurons as SpikingJelly computes them', () => {
  test.each(lif.meta.cases.map((c) => [c.name, c] as const))('LIF %s', (name, c) => {
    const params: LIFParams = { tau: c.tau, decayInput: c.decay_input ?? true, ...paramsOf(c) };
    tf.tidy(() => {
      const x = toTensor(lif.activation(`${name}.x`));
      const g = toTensor(lif.activation(`${name}.g`));
      const { spikes, v } = spiking.multiStepLIFState(x, params);
      expectSpikesEqual(spikes, lif.activation(`${name}.spike`));
      expectForwardClose(v, stateToOurs(lastStep(lif.values(`${name}.v_seq`))), 'last membrane');
      const trace = spiking.neuronTrace(x, params);
      expectForwardClose(trace.h, lif.activation(`${name}.h_seq`), 'h');
      expectForwardClose(trace.v, lif.activation(`${name}.v_seq`), 'v');
      const grad = tf.grad((y) => spiking.multiStepLIF(y, params).mul(g).sum())(x);
      expectClose(grad, lif.activation(`${name}.grad_x`), 'grad_x', { ...GRAD, rel_to_max: 1e-5 });
    });
  });

  test.each(ifNode.meta.cases.map((c) => [c.name, c] as const))('IF %s', (name, c) => {
    const params = paramsOf(c);
    tf.tidy(() => {
      const x = toTensor(ifNode.activation(`${name}.x`));
      const g = toTensor(ifNode.activation(`${name}.g`));
      expectSpikesEqual(spiking.multiStepIF(x, params), ifNode.activation(`${name}.spike`));
      const grad = tf.grad((y) => spiking.multiStepIF(y, params).mul(g).sum())(x);
      expectGradClose(grad, ifNode.activation(`${name}.grad_x`), 'grad_x');
    });
  });

  test.each(plif.meta.cases.map((c) => [c.name, c] as const))('PLIF %s', (name, c) => {
    const params = { decayInput: c.decay_input ?? true, ...paramsOf(c) };
    tf.tidy(() => {
      const x = toTensor(plif.activation(`${name}.x`));
      const g = toTensor(plif.activation(`${name}.g`));
      const w = toTensor(plif.values(`${name}.w`));
      expectSpikesEqual(spiking.multiStepPLIF(x, w, params), plif.activation(`${name}.spike`));
      const [gradX, gradW] = tf.grads((y: tf.Tensor, u: tf.Tensor) =>
        spiking.multiStepPLIF(y, u, params).mul(g).sum(),
      )([x, w]);
      expectGradClose(gradX!, plif.activation(`${name}.grad_x`), 'grad_x');
      expectGradClose(gradW!, plif.values(`${name}.grad_w`), 'grad_w');
    });
  });

  test('a membrane exactly at the threshold fires', () => {
    const ties = loadFixture<{ cases: NeuronCase[]; common: NeuronCase }>('ops/lif_ties');
    expect(ties.meta.cases.length).toBeGreaterThan(0);
    for (const c of ties.meta.cases) {
      const params = { tau: c.tau, ...paramsOf({ ...ties.meta.common, ...c }) };
      tf.tidy(() => {
        const x = toTensor(ties.activation(`${c.name}.x`));
        const g = toTensor(ties.activation(`${c.name}.g`));
        expectSpikesEqual(spiking.multiStepLIF(x, params), ties.activation(`${c.name}.spike`));
        const grad = tf.grad((y) => spiking.multiStepLIF(y, params).mul(g).sum())(x);
        expectGradClose(grad, ties.activation(`${c.name}.grad_x`), 'grad_x');
      });
    }
  });

  test('goes on from the membranes that it is given', () => {
    const stateful = loadFixture('ops/lif_stateful');
    tf.tidy(() => {
      const x1 = toTensor(stateful.activation('x1'));
      const x2 = toTensor(stateful.activation('x2'));
      const first = spiking.multiStepLIFState(x1);
      expectSpikesEqual(first.spikes, stateful.activation('spike1'));
      const goneOn = spiking.multiStepLIF(x2, {}, first.v);
      expectSpikesEqual(goneOn, stateful.activation('spike2_without_reset'));
      expectSpikesEqual(spiking.multiStepLIF(x2), stateful.activation('spike2_after_reset'));
    });
  });

  test('surrogate gradients on a grid', () => {
    const grid = loadFixture('ops/surrogate');
    for (const name of ['sigmoid4', 'atan2', 'piecewise_quadratic1']) {
      const { surrogate, alpha } = surrogateOf(name);
      tf.tidy(() => {
        const u = toTensor(grid.values('x'));
        const gradient = spiking.surrogateGradient(u, surrogate, alpha);
        expectClose(gradient, grid.values(`${name}.grad`), name, { rel_to_max: 1e-5, atol: 1e-7 });
      });
    }
  });
});
