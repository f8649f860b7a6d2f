/**
 * Charge, fire, reset and their derivatives as shader code, in terms that WGSL and GLSL share: the webgpu and webgl
 * kernels consist of it.
 *
 * A shading language may fuse a product and a sum, reorder sums, and divide with an error of a few units in the last
 * place. Membranes must equal those of other backends bit for bit, so each rounded result passes through `exact`, an
 * exclusive or of its bits with a zero that the compiler does not know, and a division is corrected by its remainder.
 * Nor does the language guarantee NaN and infinities: where they could be lost, the code tests their bits, which no
 * compiler optimizes away.
 */

import { keepsShare, type NeuronAttrs } from '../multi_step_lif';
import type { SurrogateName } from '../surrogate';

/** What the neuron's code needs from a language; `num` is its number type, or four numbers side by side. */
export interface Dialect {
  /**
   * Defines num, exact(a), head(a): a's first 12 bits; atLeast(a, b, yes, no): a >= b ? yes : no; ifNaN(a, yes, no).
   */
  preamble: string;
  /** A function from nums to a num. */
  fn(name: string, parameters: string[], body: string): string;
  /** Names a value. */
  let(name: string, value: string): string;
  uniform(name: string): string;
  /** 1 / tau, if it is learned. */
  decay: string;
}

/**
 * A limit at which exponentials and squares of z = alpha |u| have vanished but not yet overflowed; and g(z):
 * surrogate'(u) = alpha g(z).
 */
const surrogates: Record<SurrogateName, [limit: number, g: string]> = {
  sigmoid: [104, 'exp(-z) / ((1.0 + exp(-z)) * (1.0 + exp(-z)))'],
  atan: [1e17, `0.5 / (1.0 + ${(Math.PI / 2) ** 2} * z * z)`],
  piecewiseQuadratic: [2, 'max(1.0 - z, num(0.0))'],
  piecewiseExp: [104, '0.5 * exp(-z)'],
  softSign: [1e17, '0.5 / ((1.0 + z) * (1.0 + z))'],
  erf: [11, `${1 / Math.sqrt(Math.PI)} * exp(-z * z)`],
};

/** The first 12 bits of a float32's significand: products of two such numbers are exact. */
function head(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  bits[0]! &= 0xfffff000;
  return new Float32Array(bits.buffer)[0]!;
}

/** How the charge divides by tau. */
type Division = 'learnt' | 'none' | 'product' | 'quotient';

function divisionOf({ tau, decayInput }: NeuronAttrs, learnt: boolean): Division {
  if (learnt) return 'learnt';
  if (tau === Infinity && !decayInput) return 'none';
  // 1 / tau is exact if tau is a power of two.
  return tau === Infinity || Number.isInteger(Math.log2(Math.fround(tau))) ? 'product' : 'quotient';
}

/** The numbers that the code reads: neurons that differ only in these share a program. */
export function neuronUniforms(attrs: NeuronAttrs): Record<string, number> {
  const tau = Math.fround(attrs.tau);
  const finite = tau === Infinity ? 1 : tau;
  return {
    tau: finite,
    tauHead: head(finite),
    tauTail: finite - head(finite),
    k: 1 / tau,
    kept: 1 - 1 / attrs.tau,
    reach: 1 / attrs.alpha,
    threshold: attrs.vThreshold,
    rest: attrs.vReset ?? 0,
    alpha: attrs.alpha,
    farthest: Math.min(surrogates[attrs.surrogate][0] / attrs.alpha, 3e38),
  };
}

/** What distinguishes two programs besides their uniforms: part of a shader's key. */
export function neuronKey(attrs: NeuronAttrs, learnt: boolean): string {
  const { vReset, detachReset, decayInput, surrogate } = attrs;
  const reset = vReset === null ? 'soft' : vReset === 0 ? 'hard' : 'rest';
  return [divisionOf(attrs, learnt), reset, detachReset, decayInput, surrogate].join('_');
}

/**
 * The functions charge(v, x), fire(h), reset(h), aboveRest(v); surrogate(h) = ds/dh; through(g, h, ds): g times that;
 * direct(h) = dv/dh except through the spike; jump(h) = dv/ds, 0 if the reset is detached; throughReset(gv, h) = gv
 * dv/ds, term by term; ofInput(gh) and ofMembrane(gh): the gradients of x and v; membraneOfInput(dx): the latter from
 * the former; earlier(g): a later step's gradient, in which gh - gh k turns infinity into NaN; and the constants k = 1
 * / tau and 1 - k as gain() and keep().
 */
export function neuronCode(attrs: NeuronAttrs, learnt: boolean, d: Dialect): string {
  const { vReset, detachReset, decayInput, surrogate } = attrs;
  const division = divisionOf(attrs, learnt);
  const u = d.uniform;
  const divided = (y: string) =>
    ({
      learnt: `exact(${y} * ${d.decay})`,
      none: '',
      product: `exact(${y} * ${u('k')})`,
      quotient: `quotient(${y})`,
    })[division];
  const keeps = keepsShare(attrs, learnt);
  const charged = decayInput
    ? `exact(v + ${divided('exact(x - aboveRest(v))')})`
    : division === 'none'
      ? 'exact(v + x)'
      : keeps
        ? 'exact(exact(v * keep()) + x)'
        : `exact(exact(v - ${divided('aboveRest(v)')}) + x)`;
  const fired = (yes: string, no: string) => `atLeast(h, num(${u('threshold')}), ${yes}, ${no})`;
  // An infinite h leaves NaN by h - h; the compiler does not know that it is 0 otherwise.
  const restOrNaN = `exact(exact(exact(h) - h) + ${u('rest')})`;
  const jump = vReset === null ? `num(-${u('threshold')})` : `(${u('rest')} - h)`;
  const far = `abs(h - ${u('threshold')})`;
  const passed =
    surrogate === 'piecewiseQuadratic'
      ? `ifNaN(h, h, atLeast(num(${u('reach')}), ${far}, g * ds, num(0.0)))`
      : 'g * ds';
  return [
    d.preamble,
    division === 'quotient' ? quotient(d) : '',
    d.fn('gain', [], `return num(${learnt ? d.decay : u('k')});`),
    d.fn('keep', [], `return num(${learnt ? `exact(num(1.0 - ${d.decay}))` : u('kept')});`),
    d.fn('aboveRest', ['v'], `return ${vReset ? `exact(v - ${u('rest')})` : 'v'};`),
    d.fn('charge', ['v', 'x'], `return ${charged};`),
    d.fn('fire', ['h'], `return ${fired('num(1.0)', 'num(0.0)')};`),
    d.fn(
      'reset',
      ['h'],
      `return ${fired(vReset === null ? `exact(h - ${u('threshold')})` : restOrNaN, 'h')};`,
    ),
    d.fn(
      'surrogate',
      ['h'],
      `${d.let('z', `${u('alpha')} * min(abs(h - ${u('threshold')}), num(${u('farthest')}))`)}
       return ifNaN(h, h, ${u('alpha')} * (${surrogates[surrogate][1]}));`,
    ),
    d.fn('through', ['g', 'h', 'ds'], `return ${passed};`),
    d.fn(
      'direct',
      ['h'],
      `return ${vReset === null ? 'num(1.0)' : fired('num(0.0)', 'num(1.0)')};`,
    ),
    d.fn(
      'throughReset',
      ['gv', 'h'],
      `return ${vReset === null ? `gv * -${u('threshold')}` : `gv * ${u('rest')} - gv * h`};`,
    ),
    d.fn('jump', ['h'], `return ${detachReset ? 'num(0.0)' : jump};`),
    d.fn('ofInput', ['gh'], `return ${decayInput ? 'gh * gain()' : 'gh'};`),
    d.fn('ofMembrane', ['gh'], `return ${keeps ? 'gh * keep()' : 'gh - gh * gain()'};`),
    d.fn('earlier', ['g'], `return ${keeps ? 'g' : 'exact(exact(g) - g) + g'};`),
    d.fn(
      'membraneOfInput',
      ['dx'],
      `return ${decayInput ? 'dx / gain() - dx' : 'ofMembrane(dx)'};`,
    ),
  ].join('\n');
}

/**
 * y / tau rounded as float32 does. q = y k is off by one unit at most; y - q tau, exact as a sum of products of halves
 * (Dekker, 1971), gives the error. Beyond 1e37 the halves might overflow, and q is good enough.
 */
function quotient(d: Dialect): string {
  const [tau, tauHead, tauTail] = ['tau', 'tauHead', 'tauTail'].map(d.uniform);
  return d.fn(
    'quotient',
    ['y'],
    [
      d.let('q', `exact(y * ${d.uniform('k')})`),
      d.let('p', `exact(q * ${tau})`),
      d.let('qHead', 'head(q)'),
      d.let('qTail', 'exact(q - qHead)'),
      d.let('e1', `exact(exact(qHead * ${tauHead}) - p)`),
      d.let('e2', `exact(e1 + exact(qHead * ${tauTail}))`),
      d.let('e3', `exact(e2 + exact(qTail * ${tauHead}))`),
      d.let('e4', `exact(e3 + exact(qTail * ${tauTail}))`),
      d.let('r', 'exact(exact(y - p) - e4)'),
      `return atLeast(abs(y), num(1e37), q, exact(q + exact(r * ${d.uniform('k')})));`,
    ].join('\n'),
  );
}
