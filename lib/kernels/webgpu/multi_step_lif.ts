/** MultiStepLIF and its gradient on webgpu: one dispatch for all time steps, one thread per neuron. */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { WebGPUBackend } from '../../tfjs_internals';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  mayFireBits,
  type NeuronAttrs,
  type NeuronOutputs,
} from '../multi_step_lif';
import { runStockKernel } from '../override';
import { stateShape, withDecay } from '../shaders/learnt_decay';
import { type Dialect, neuronCode, neuronKey, neuronUniforms } from '../shaders/neuron';
import { type Compute, compute, kernel } from './backend';
import { mayStoreAsBits, storedAsBits } from './spike_storage';

const wgsl: Dialect = {
  preamble: `
    alias num = f32;
    fn exact(a : f32) -> f32 { return bitcast<f32>(bitcast<u32>(a) ^ uniforms.zero); }
    fn head(a : f32) -> f32 { return bitcast<f32>(bitcast<u32>(a) & 0xfffff000u); }
    fn atLeast(a : f32, b : f32, yes : f32, no : f32) -> f32 { return select(no, yes, a >= b); }
    fn ifNaN(a : f32, yes : f32, no : f32) -> f32 {
      return select(no, yes, (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u);
    }`,
  fn: (name, parameters, body) =>
    `fn ${name}(${parameters.map((p) => `${p} : f32`).join(', ')}) -> f32 { ${body} }`,
  let: (name, value) => `let ${name} = ${value};`,
  uniform: (name) => `uniforms.${name}`,
  decay: 'decay[0]',
};

/** The position in x where the neuron `index` starts, and its membrane before the first step. */
const start = (v0?: TensorInfo) => `
  let first = (index / uniforms.neurons) * uniforms.time * uniforms.neurons + index % uniforms.neurons;
  var v = ${v0 ? 'v0[index]' : 'uniforms.rest'};`;

/** A loop over time; `i` is the position of the step. */
const eachStep = (body: string) => `
  for (var t = 0; t < uniforms.time; t++) {
    let i = first + t * uniforms.neurons;
    ${body}
  }`;

/** A program over neurons, with the code that all of them share. */
function overNeurons(
  backend: WebGPUBackend,
  name: string,
  { x, v0 }: MultiStepLIFInputs,
  decay: TensorInfo | undefined,
  attrs: NeuronAttrs,
  own: Pick<Compute, 'outputShape' | 'body'> & { inputs?: Record<string, TensorInfo> },
): TensorInfo {
  const [batch, time, ...rest] = x.shape as [number, number, ...number[]];
  const neurons = util.sizeFromShape(rest);
  const learnt = decay !== undefined;
  return compute(backend, {
    key: `${name}_${neuronKey(attrs, learnt)}`,
    inputs: { x, ...(v0 && { v0 }), ...(decay && { decay }), ...own.inputs },
    outputShape: own.outputShape,
    threads: batch * neurons,
    floats: neuronUniforms(attrs),
    ints: { time, neurons },
    functions: neuronCode(attrs, learnt, wgsl),
    body: start(v0) + own.body,
  });
}

function multiStepLIF(
  inputs: MultiStepLIFInputs,
  backend: WebGPUBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): TensorInfo[] {
  const { x, w } = inputs;
  return withDecay(w, 'webgpu', backend, (decay) => {
    const spikes = overNeurons(backend, 'lif', inputs, decay, attrs, {
      outputShape: x.shape,
      body: eachStep('let h = charge(v, x[i]); result[i] = fire(h); v = reset(h);'),
    });
    if (!attrs.lastMembranes) {
      const packed = mayFireBits(inputs, attrs) && mayStoreAsBits(x.shape);
      const none = backend.makeTensorInfo([0], 'float32');
      return [packed ? storedAsBits(backend, spikes) : spikes, none];
    }
    const v = overNeurons(backend, 'lif_v', inputs, decay, attrs, {
      outputShape: stateShape(x.shape),
      body: `${eachStep('v = reset(charge(v, x[i]));')} result[index] = v;`,
    });
    return [spikes, v];
  });
}

/** Membranes go to `result` on the way forward, and are overwritten by gradients on the way back. */
const backward = (attrs: NeuronAttrs, dV: boolean) => `
  ${eachStep('let h = charge(v, x[i]); result[i] = h; v = reset(h);')}
  var gv = ${dV ? 'dV[index]' : '0.0'};
  for (var t = uniforms.time - 1; t >= 0; t--) {
    let i = first + t * uniforms.neurons;
    let h = result[i];
    let gs = dSpikes[i]${attrs.detachReset ? '' : ' + throughReset(gv, h)'};
    let gh = through(gs, h, surrogate(h)) + gv * direct(h);
    result[i] = ofInput(gh);
    gv = ofMembrane(gh);
  }`;

/** dL/dv0 from dL/dx of the first step, both being dL/dh times a constant. */
function firstStepGradient(
  backend: WebGPUBackend,
  dx: TensorInfo,
  v0: TensorInfo,
  decay: TensorInfo | undefined,
  attrs: NeuronAttrs,
): TensorInfo {
  const [batch, time] = dx.shape as [number, number];
  return compute(backend, {
    key: `lif_dv0_${neuronKey(attrs, decay !== undefined)}`,
    // An array that the code does not read may not be bound.
    inputs: { dx, ...(decay && { decay }) },
    outputShape: v0.shape,
    threads: util.sizeFromShape(v0.shape),
    floats: neuronUniforms(attrs),
    ints: { time, neurons: util.sizeFromShape(v0.shape) / batch },
    functions: neuronCode(attrs, decay !== undefined, wgsl),
    body: `
      let sample = index / uniforms.neurons;
      result[index] = membraneOfInput(dx[index + sample * (uniforms.time - 1) * uniforms.neurons]);`,
  });
}

function multiStepLIFGrad(
  inputs: MultiStepLIFGradInputs,
  backend: WebGPUBackend,
  attrs: NeuronAttrs,
): TensorInfo[] {
  const { x, v0, w, dSpikes, dV } = inputs;
  const hasDV = util.sizeFromShape(dV.shape) > 0;
  return withDecay(w, 'webgpu', backend, (decay) => {
    const dx = overNeurons(backend, `lif_dx${hasDV}`, inputs, decay, attrs, {
      inputs: { dSpikes, ...(hasDV && { dV }) },
      outputShape: x.shape,
      body: backward(attrs, hasDV),
    });
    const gradients = [dx];
    if (v0) {
      gradients.push(firstStepGradient(backend, dx, v0, decay, attrs));
    }
    if (w) {
      const shares = overNeurons(backend, 'lif_dw', inputs, decay, attrs, {
        inputs: { dx },
        outputShape: stateShape(x.shape),
        body: `var dk = 0.0; ${eachStep(
          `dk += dx[i] * ${attrs.decayInput ? '(x[i] - aboveRest(v))' : '-aboveRest(v)'};
           v = reset(charge(v, x[i]));`,
        )} result[index] = dk * keep()${attrs.decayInput ? '' : ' * gain()'};`,
      });
      const x1d = { ...shares, shape: [util.sizeFromShape(shares.shape)] };
      const dw = runStockKernel('Sum', 'webgpu', { x: x1d }, backend, { axis: [0] });
      gradients.push({ ...dw, shape: w.shape });
      backend.disposeData(shares.dataId);
    }
    return gradients;
  });
}

export const multiStepLIFKernels: KernelConfig[] = [
  kernel<MultiStepLIFInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIF, multiStepLIF),
  kernel<MultiStepLIFGradInputs, NeuronAttrs>(MultiStepLIFGrad, multiStepLIFGrad),
];
