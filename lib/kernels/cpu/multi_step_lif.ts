/** MultiStepLIF on the cpu backend: one loop over typed arrays, each operation rounded to float32. */
import { type KernelConfig, type KernelFunc, util } from '@tensorflow/tfjs';
import {
  keepsShare,
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  type NeuronAttrs,
} from '../multi_step_lif';
import { getSurrogate, surrogateReach } from '../surrogate';
import { type CpuKernelArgs, output, values } from './backend';

const f = Math.fround;

/** x as `[batch, time, neurons]`. */
function sizes(shape: number[]) {
  const [batch, time, ...rest] = shape as [number, number, ...number[]];
  return { batch, time, neurons: util.sizeFromShape(rest), stateShape: [batch, ...rest] };
}

/** Charge as a function of membrane and input, in the order of operations of the composed form. */
function chargeOf(attrs: NeuronAttrs, decay: number | null) {
  const { tau: exactTau, vReset, decayInput } = attrs;
  const [tau, rest] = [f(exactTau), f(vReset ?? 0)];
  if (keepsShare(attrs, decay !== null)) {
    const kept = f(1 - (decay ?? 1 / exactTau));
    return (v: number, x: number) => f(f(v * kept) + x);
  }
  const divided = decay === null ? (y: number) => f(y / tau) : (y: number) => f(y * decay);
  if (decayInput) return (v: number, x: number) => f(v + divided(f(x - f(v - rest))));
  return (v: number, x: number) => f(f(v - divided(f(v - rest))) + x);
}

/** The membrane after a spike. An infinite one becomes NaN, as in h (1 - s) + vReset s. */
function resetOf({ vReset, vThreshold }: NeuronAttrs) {
  const [threshold, rest] = [f(vThreshold), f(vReset ?? 0)];
  return vReset === null ? (h: number) => f(h - threshold) : (h: number) => h - h + rest;
}

/** 1 / tau if it is learned. */
function learntDecay(w: Float32Array | null): number | null {
  return w && f(1 / (1 + Math.exp(-w[0]!)));
}

function multiStepLIF({ inputs, attrs, backend }: CpuKernelArgs<MultiStepLIFInputs, NeuronAttrs>) {
  const { batch, time, neurons, stateShape } = sizes(inputs.x.shape);
  const x = values(backend, inputs.x);
  const v0 = inputs.v0 ? values(backend, inputs.v0) : null;
  const charge = chargeOf(attrs, learntDecay(inputs.w ? values(backend, inputs.w) : null));
  const { vThreshold, vReset } = attrs;
  const reset = resetOf(attrs);
  const threshold = f(vThreshold);

  const spikes = new Float32Array(x.length);
  const last = new Float32Array(batch * neurons);
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < neurons; n++) {
      let v = v0 ? v0[b * neurons + n]! : f(vReset ?? 0);
      for (let t = 0, i = b * time * neurons + n; t < time; t++, i += neurons) {
        const h = charge(v, x[i]!);
        const fired = h >= threshold;
        if (fired) spikes[i] = 1;
        v = fired ? reset(h) : h;
      }
      last[b * neurons + n] = v;
    }
  }
  return [output(backend, spikes, inputs.x.shape), output(backend, last, stateShape)];
}

/** The closed form of lib/kernels/multi_step_lif.ts. */
function multiStepLIFGrad({
  inputs,
  attrs,
  backend,
}: CpuKernelArgs<MultiStepLIFGradInputs, NeuronAttrs>) {
  const { batch, time, neurons, stateShape } = sizes(inputs.x.shape);
  const x = values(backend, inputs.x);
  const dSpikes = values(backend, inputs.dSpikes);
  const dV = values(backend, inputs.dV);
  const v0 = inputs.v0 ? values(backend, inputs.v0) : null;
  const decay = learntDecay(inputs.w ? values(backend, inputs.w) : null);
  const charge = chargeOf(attrs, decay);
  const reset = resetOf(attrs);
  const derivative = getSurrogate(attrs.surrogate).derivative(attrs.alpha);
  const reach = surrogateReach(attrs.surrogate, attrs.alpha);
  const keeps = keepsShare(attrs, decay !== null);
  const { vThreshold, vReset, detachReset, decayInput } = attrs;
  const threshold = f(vThreshold);
  const k = decay ?? 1 / attrs.tau;

  const dx = new Float32Array(x.length);
  const dv0 = new Float32Array(batch * neurons);
  const hs = new Float32Array(time);
  const vs = new Float32Array(time);
  let dk = 0;
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < neurons; n++) {
      const first = b * time * neurons + n;
      let v = v0 ? v0[b * neurons + n]! : f(vReset ?? 0);
      for (let t = 0; t < time; t++) {
        vs[t] = v;
        const h = charge(v, x[first + t * neurons]!);
        hs[t] = h;
        v = h >= threshold ? reset(h) : h;
      }
      let gv = dV[b * neurons + n]!;
      for (let t = time - 1; t >= 0; t--) {
        const i = first + t * neurons;
        const h = hs[t]!;
        const fired = h >= threshold;
        const u = f(h - threshold);
        let gs = dSpikes[i]!;
        if (!detachReset) {
          gs = f(gs + (vReset === null ? f(gv * -threshold) : f(f(gv * vReset) - f(gv * h))));
        }
        const passed = Math.abs(u) > reach ? 0 : f(gs * f(derivative(u)));
        const gh = f(passed + gv * (vReset !== null && fired ? 0 : 1));
        dx[i] = decayInput ? gh * k : gh;
        gv = f(keeps ? gh * (1 - k) : gh - gh * k);
        if (decay !== null) {
          const aboveRest = vs[t]! - (vReset ?? 0);
          dk += gh * (decayInput ? x[i]! - aboveRest : -aboveRest);
        }
      }
      dv0[b * neurons + n] = gv;
    }
  }
  const gradients = [output(backend, dx, inputs.x.shape)];
  if (inputs.v0) gradients.push(output(backend, dv0, stateShape));
  if (inputs.w) {
    gradients.push(output(backend, Float32Array.of(dk * k * (1 - k)), inputs.w.shape));
  }
  return gradients;
}

export const multiStepLIFKernels: KernelConfig[] = [
  {
    kernelName: MultiStepLIF,
    backendName: 'cpu',
    kernelFunc: multiStepLIF as unknown as KernelFunc,
  },
  {
    kernelName: MultiStepLIFGrad,
    backendName: 'cpu',
    kernelFunc: multiStepLIFGrad as unknown as KernelFunc,
  },
];
