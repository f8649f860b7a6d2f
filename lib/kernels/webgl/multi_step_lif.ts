/**
 * MultiStepLIF and its gradient on webgl: one draw call for all time steps. A fragment writes one texel, so that for
 * step t it repeats the t steps before it or, in the gradient, all of them: time is read O(T^2) times. Only patience
 * limits T.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { WebGLBackend } from '../../tfjs_internals';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  type MultiStepLIFGradInputs,
  type MultiStepLIFInputs,
  type NeuronAttrs,
  type NeuronOutputs,
} from '../multi_step_lif';
import { runStockKernel } from '../override';
import { stateShape, withDecay } from '../shaders/learnt_decay';
import { type Dialect, neuronCode, neuronKey, neuronUniforms } from '../shaders/neuron';
import { draw, gradientKernel, isPacked, kernel } from './backend';

/** The numbers of a texel: one, or two by two. */
const glsl = (packed: boolean): Dialect => ({
  preamble: `
    #define num ${packed ? 'vec4' : 'float'}
    num exact(num a) { return uintBitsToFloat(floatBitsToUint(a) ^ uint(zero)); }
    num head(num a) { return uintBitsToFloat(floatBitsToUint(a) & 0xfffff000u); }
    num atLeast(num a, num b, num yes, num no) {
      return ${packed ? 'mix(no, yes, greaterThanEqual(a, b))' : 'a >= b ? yes : no'};
    }
    num ifNaN(num a, num yes, num no) {
      return ${
        packed
          ? 'mix(no, yes, greaterThan(floatBitsToUint(a) & 0x7fffffffu, uvec4(0x7f800000u)))'
          : '(floatBitsToUint(a) & 0x7fffffffu) > 0x7f800000u ? yes : no'
      };
    }`,
  fn: (name, parameters, body) =>
    `num ${name}(${parameters.map((p) => `num ${p}`).join(', ')}) { ${body} }`,
  let: (name, value) => `num ${name} = ${value};`,
  uniform: (name) => name,
  decay: 'getDecay()',
});

/**
 * x as `[batch * time * inner, rows, columns]`, the last two unchanged, since two by two of them share a packed texel:
 * this way no reshape costs anything.
 */
function viewOf(shape: number[]) {
  const [batch, time, ...rest] = shape as [number, number, ...number[]];
  const [rows, columns] =
    rest.length < 2 ? [1, rest[0] ?? 1] : (rest.slice(-2) as [number, number]);
  const inner = util.sizeFromShape(rest.slice(0, -2));
  return { batch, time, inner, rows, columns, canBePacked: rest.length >= 2 };
}

const STATE = 'int state = (at.x / (inner * time)) * inner + at.x % inner;';
const WHERE = `
  ivec3 at = getOutputCoords();
  int t = (at.x / inner) % time;
  int first = at.x - t * inner;
  ${STATE}`;
/** For a program over neurons rather than their steps. */
const WHERE_NEURON = `
  ivec3 at = getOutputCoords();
  int first = (at.x / inner) * inner * time + at.x % inner;
  int state = at.x;`;

const read = (name: string, step: string) => `get${name}(first + (${step}) * inner, at.y, at.z)`;
const readState = (name: string) => `get${name}(state, at.y, at.z)`;

/** Sets the value of the texel, and zero for those of its numbers that lie beyond the tensor. */
const output = (value: string, packed: boolean) =>
  packed
    ? `bool inColumns = at.z + 1 < columns;
       bool inRows = at.y + 1 < rows;
       setOutput(mix(vec4(0.0), ${value}, bvec4(true, inColumns, inRows, inColumns && inRows)));`
    : `setOutput(${value});`;

interface Own {
  /** Tensors shaped as x, and as the membranes. */
  steps?: Record<string, TensorInfo>;
  states?: Record<string, TensorInfo>;
  /** Whether it writes membranes or steps. */
  writes: 'steps' | 'states';
  /** Leaves its result in `value`; v is the membrane before the first step. */
  body: string;
  outputShape: number[];
}

/** A program over the texels of steps or membranes, with the code that all of them share. */
function overNeurons(
  backend: WebGLBackend,
  { x, v0 }: MultiStepLIFInputs,
  decay: TensorInfo | undefined,
  attrs: NeuronAttrs,
  own: Own,
): TensorInfo {
  const { batch, time, inner, rows, columns, canBePacked } = viewOf(x.shape);
  const learnt = decay !== undefined;
  // A single number is read only from an unpacked texture.
  const packed = canBePacked && !learnt && isPacked(backend, x);
  const asSteps = [batch * time * inner, rows, columns];
  const asStates = [batch * inner, rows, columns];
  const views = (tensors: Record<string, TensorInfo>, shape: number[]) =>
    Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, shape }]));
  const { dataId, dtype } = draw(backend, {
    inputs: {
      ...views({ x, ...own.steps }, asSteps),
      ...views({ ...(v0 && { v0 }), ...own.states }, asStates),
      ...(decay && { decay: { ...decay, shape: [] } }),
    },
    outputShape: own.writes === 'steps' ? asSteps : asStates,
    packed,
    floats: neuronUniforms(attrs),
    ints: { time, inner, rows, columns },
    functions: neuronCode(attrs, learnt, glsl(packed)),
    body: `
      // ${neuronKey(attrs, learnt)}
      ${own.writes === 'steps' ? WHERE : WHERE_NEURON}
      num v = ${v0 ? readState('V0') : 'num(rest)'};
      num value;
      ${own.body}
      ${output('value', packed)}`,
  });
  return { dataId, dtype, shape: own.outputShape };
}

function multiStepLIF(
  inputs: MultiStepLIFInputs,
  backend: WebGLBackend,
  attrs: NeuronAttrs & NeuronOutputs,
): TensorInfo[] {
  const { x, w } = inputs;
  return withDecay(w, 'webgl', backend, (decay) => {
    const spikes = overNeurons(backend, inputs, decay, attrs, {
      writes: 'steps',
      outputShape: x.shape,
      body: `
        for (int s = 0; s <= t; s++) {
          num h = charge(v, ${read('X', 's')});
          value = fire(h);
          v = reset(h);
        }`,
    });
    if (!attrs.lastMembranes) return [spikes, backend.makeTensorInfo([0], 'float32')];
    const v = overNeurons(backend, inputs, decay, attrs, {
      writes: 'states',
      outputShape: stateShape(x.shape),
      body: `
        for (int s = 0; s < time; s++) v = reset(charge(v, ${read('X', 's')}));
        value = v;`,
    });
    return [spikes, v];
  });
}

/**
 * dL/dh at t as a sum over the steps s >= t: the dSpikes of each through its surrogate, times the part (p) of a change
 * of h at t that is left by then.
 */
const gradientBody = (attrs: NeuronAttrs, dV: boolean) => `
  num h;
  for (int s = 0; s <= t; s++) {
    h = charge(v, ${read('X', 's')});
    v = reset(h);
  }
  num g = num(0.0);
  num p = num(1.0);
  for (int s = t; s < time; s++) {
    if (s > t) {
      p *= keep();
      h = charge(v, ${read('X', 's')});
      v = reset(h);
    }
    num ds = surrogate(h);
    num gs = through(${read('DSpikes', 's')}, h, ds);
    g += p * (s > t ? earlier(gs) : gs);
    p *= ${attrs.detachReset ? 'direct(h)' : 'direct(h) + through(jump(h), h, ds)'};
  }
  ${dV ? `num gv = ${readState('DV')}; g += p * (t < time - 1 ? earlier(gv) : gv);` : ''}
  value = ofInput(g);`;

function multiStepLIFGrad(
  inputs: MultiStepLIFGradInputs,
  backend: WebGLBackend,
  attrs: NeuronAttrs,
): TensorInfo[] {
  const { x, v0, w, dSpikes, dV } = inputs;
  const hasDV = util.sizeFromShape(dV.shape) > 0;
  return withDecay(w, 'webgl', backend, (decay) => {
    const dx = overNeurons(backend, inputs, decay, attrs, {
      steps: { dSpikes },
      states: hasDV ? { dV } : {},
      writes: 'steps',
      outputShape: x.shape,
      body: gradientBody(attrs, hasDV),
    });
    const gradients = [dx];
    if (v0) {
      gradients.push(
        overNeurons(backend, inputs, decay, attrs, {
          steps: { dx },
          writes: 'states',
          outputShape: v0.shape,
          body: `value = membraneOfInput(${read('Dx', '0')});`,
        }),
      );
    }
    if (w) {
      const shares = overNeurons(backend, inputs, decay, attrs, {
        steps: { dx },
        writes: 'states',
        outputShape: stateShape(x.shape),
        body: `
          value = num(0.0);
          for (int s = 0; s < time; s++) {
            num xs = ${read('X', 's')};
            value += ${read('Dx', 's')} * ${attrs.decayInput ? '(xs - aboveRest(v))' : '-aboveRest(v)'};
            v = reset(charge(v, xs));
          }
          value *= keep()${attrs.decayInput ? '' : ' * gain()'};`,
      });
      const x1d = { ...shares, shape: [util.sizeFromShape(shares.shape)] };
      const dw = runStockKernel('Sum', 'webgl', { x: x1d }, backend, { axis: [0] });
      gradients.push({ ...dw, shape: w.shape });
      backend.disposeIntermediateTensorInfo(shares);
    }
    return gradients;
  });
}

export const multiStepLIFKernels: KernelConfig[] = [
  kernel<MultiStepLIFInputs, NeuronAttrs & NeuronOutputs>(MultiStepLIF, multiStepLIF),
  gradientKernel<MultiStepLIFGradInputs, NeuronAttrs>(MultiStepLIFGrad, multiStepLIFGrad),
];
