/** The wasm kernel MultiStepLIF: exactly its specification in float32; its gradient, to rounding. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { keepsShare, type NeuronAttrs } from '../../../lib/kernels/multi_step_lif';
import { getSurrogate, surrogateNames } from '../../../lib/kernels/surrogate';
import { multiStepLIFConfig } from '../../../lib/kernels/wasm/multi_step_lif';
import { resolveLIF } from '../../../lib/neuron_params';
import { anyNeuron, anySizes, anyState } from '../../support/kernels';
import { type Data, expectClose, expectEqual, random, runWasm } from './wasm_harness';

const f32 = Math.fround;

interface Neurons {
  batch: number;
  time: number;
  n: number;
  x: Float32Array;
  v0?: Float32Array;
  w?: number;
}

const defaults = resolveLIF();

function gain(attrs: NeuronAttrs, w?: number) {
  return w === undefined ? 1 / attrs.tau : 1 / (1 + Math.exp(-f32(w)));
}

/** Charge, fire, reset with every operation rounded to float32. */
function reference({ batch, time, n, x, v0, w }: Neurons, attrs: NeuronAttrs) {
  const vReset = f32(attrs.vReset ?? 0);
  const vThreshold = f32(attrs.vThreshold);
  const k = f32(gain(attrs, w));
  const keeps = keepsShare(attrs, w !== undefined);
  const scaled = (y: number) => (w === undefined ? f32(y / f32(attrs.tau)) : f32(y * k));
  const spikes = new Float32Array(x.length);
  const h = new Float32Array(x.length);
  const before = new Float32Array(x.length);
  const v = new Float32Array(batch * n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i++) {
      let m = v0 ? v0[b * n + i]! : vReset;
      for (let t = 0; t < time; t++) {
        const at = (b * time + t) * n + i;
        before[at] = m;
        const above = f32(m - vReset);
        h[at] = attrs.decayInput
          ? f32(m + scaled(f32(x[at]! - above)))
          : keeps
            ? f32(f32(m * f32(1 - (w === undefined ? 1 / attrs.tau : k))) + x[at]!)
            : f32(f32(m - scaled(above)) + x[at]!);
        const fired = h[at]! >= vThreshold;
        spikes[at] = fired ? 1 : 0;
        if (fired) m = attrs.vReset === null ? f32(h[at]! - vThreshold) : vReset;
        else m = h[at]!;
      }
      v[b * n + i] = m;
    }
  }
  return { spikes, v, h, before };
}

/** The closed-form gradient in float64, from the float32 potentials. */
function referenceGrad(data: Neurons, attrs: NeuronAttrs, dSpikes: Float32Array, dV: Float32Array) {
  const { batch, time, n, x, w } = data;
  const { spikes, h, before } = reference(data, attrs);
  const k = gain(attrs, w);
  const vReset = f32(attrs.vReset ?? 0);
  const derivative = getSurrogate(attrs.surrogate).derivative(attrs.alpha);
  const dx = new Float64Array(x.length);
  const dv0 = new Float64Array(batch * n);
  let dw = 0;
  let dwScale = 0;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i++) {
      let gv = dV[b * n + i]!;
      for (let t = time - 1; t >= 0; t--) {
        const at = (b * time + t) * n + i;
        const s = derivative(f32(h[at]! - f32(attrs.vThreshold)));
        let dvdh = attrs.vReset === null ? 1 : 1 - spikes[at]!;
        if (!attrs.detachReset)
          dvdh += (attrs.vReset === null ? -attrs.vThreshold : attrs.vReset - h[at]!) * s;
        const gh = dSpikes[at]! * s + gv * dvdh;
        dx[at] = attrs.decayInput ? gh * k : gh;
        gv = gh * (1 - k);
        const slope = (attrs.decayInput ? x[at]! : 0) - (before[at]! - vReset);
        dw += gh * slope * k * (1 - k);
        dwScale += Math.abs(gh * slope * k * (1 - k));
      }
      dv0[b * n + i] = gv;
    }
  }
  return { dx, dv0, dw, dwScale };
}

function make(
  batch: number,
  time: number,
  n: number,
  options: { v0?: boolean; w?: number; seed?: number } = {},
): Neurons {
  const seed = options.seed ?? 1;
  return {
    batch,
    time,
    n,
    x: random(batch * time * n, seed, 4),
    v0: options.v0 ? random(batch * n, seed + 1) : undefined,
    w: options.w,
  };
}

function check(data: Neurons, attrs: NeuronAttrs) {
  const { batch, time, n, x, v0, w } = data;
  const state = [batch, n];
  const sequence = [batch, time, n];
  const inputs: Record<string, Data | undefined> = {
    x: [x, sequence],
    v0: v0 && [v0, state],
    w: w === undefined ? undefined : [[w], [1]],
  };
  const expected = reference(data, attrs);
  const [spikes, v] = runWasm('MultiStepLIF', inputs, attrs);
  expectEqual(spikes!, expected.spikes);
  expectEqual(v!, expected.v);

  const dSpikes = random(x.length, 7);
  const dV = random(batch * n, 8);
  const grad = referenceGrad(data, attrs, dSpikes, dV);
  const results = runWasm(
    'MultiStepLIFGrad',
    { ...inputs, dSpikes: [dSpikes, sequence], dV: [dV, state] },
    attrs,
  );
  expectClose(results.shift()!, grad.dx, 1e-5);
  if (v0) expectClose(results.shift()!, grad.dv0, 1e-5);
  if (w !== undefined) expectClose(results.shift()!, [grad.dw], 1e-5, grad.dwScale + 1e-4);
  expect(results).toHaveLength(0);
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('wasm MultiStepLIF', () => {
  it.each([1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 63, 65, 259, 530])('handles %i neurons', (n) => {
    check(make(2, 4, n, { v0: true }), defaults);
    check(make(3, 1, n, { w: 0.4 }), defaults);
  });

  it.each(surrogateNames)('has the %s surrogate', (surrogate) => {
    for (const alpha of [getSurrogate(surrogate).alpha, 0.7, 9]) {
      check(make(2, 5, 37), { ...defaults, surrogate, alpha });
    }
  });

  it.each(surrogateNames)('has a finite %s surrogate however far the membrane is', (surrogate) => {
    const x = Float32Array.from([1e30, -1e30, 1e10, -1e10, 100, -100, 2, 2.0000002]);
    const attrs = { ...defaults, surrogate, alpha: getSurrogate(surrogate).alpha };
    const sequence = [1, 1, 8];
    const [dx] = runWasm(
      'MultiStepLIFGrad',
      {
        x: [x, sequence],
        dSpikes: [new Float32Array(8).fill(1), sequence],
        dV: [new Float32Array(8), [1, 8]],
      },
      attrs,
    );
    const derivative = getSurrogate(surrogate).derivative(attrs.alpha);
    expectClose(
      dx!,
      Array.from(x, (y) => derivative(f32(y / 2) - 1) / 2),
      1e-6,
    );
  });

  it('steps through long sequences', () => {
    check(make(1, 300, 21, { v0: true, w: -0.3 }), { ...defaults, vReset: null });
  });

  it('is an integrate-and-fire neuron where tau is infinite', () => {
    check(make(2, 6, 50), { ...defaults, tau: Infinity, decayInput: false });
  });

  it('sums dw precisely over many neurons', () => {
    check(make(8, 4, 20000, { w: 0.2 }), defaults);
  });

  it('agrees with the reference for any neuron', () => {
    fc.assert(
      fc.property(anyNeuron, anySizes(3, 7, 90), anyState, (a, [batch, time, n], o) =>
        check(make(batch!, time!, n!, o), a),
      ),
      { numRuns: 150 },
    );
  });

  it('runs on after the heap has grown', () => {
    check(make(2, 4, 100), defaults);
    const large = Array.from({ length: 4 }, () => tf.zeros([8 * 1024 * 1024]));
    check(make(2, 4, 100), defaults);
    tf.dispose(large);
    check(make(2, 4, 100), defaults);
  });

  it('rejects what is not float32', () => {
    const before = tf.backend().numDataIds();
    const x = tf.zeros([1, 1, 4], 'int32');
    const { kernelFunc } = multiStepLIFConfig;
    const attrs = defaults as unknown as tf.NamedAttrMap;
    expect(() => kernelFunc({ inputs: { x }, backend: tf.backend(), attrs })).toThrow(
      'MultiStepLIF: x must be float32, but got int32',
    );
    x.dispose();
    expect(tf.backend().numDataIds()).toBe(before);
  });
});
