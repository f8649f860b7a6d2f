/** Constants computed at export: what a batch norm makes of a kernel is then one initializer. */
import { backend_util } from '@tensorflow/tfjs';
import { type Data, type Graph, sizeOf, type Value } from './_graph';

/** In float32, as tfjs's cpu backend rounds. */
const functions: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  RealDiv: (a, b) => a / b,
  Rsqrt: (a) => 1 / Math.sqrt(a),
  Sqrt: (a) => Math.sqrt(a),
  Sigmoid: (a) => 1 / (1 + Math.exp(-a)),
};

/** Reads a constant as if it had that shape: a step of 0 along axes that it is repeated over. */
function stepsOf({ constant }: Value, shape: readonly number[]): number[] {
  const own = constant!.shape;
  const missing = shape.length - own.length;
  return shape.map((_, axis) => {
    const at = axis - missing;
    return at < 0 || own[at] === 1 ? 0 : sizeOf(own.slice(at + 1));
  });
}

/** The constant that a kernel makes of constants; null if it is not one of these, or has other inputs. */
export function fold(
  kernel: string,
  graph: Graph,
  inputs: Readonly<Record<string, Value>>,
): Value | null {
  const values = Object.values(inputs);
  const compute = Object.hasOwn(functions, kernel) ? functions[kernel] : undefined;
  const isFloat = values.every(({ constant, dtype }) => constant && dtype === 'float32');
  if (!compute || !isFloat) return null;
  const [a, b = a] = values as [Value, Value?];
  const stored = backend_util.assertAndGetBroadcastShape(a.constant!.shape, b.constant!.shape);
  const data = combine(a, b, stored, compute);
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return { ...graph.constant(data, stored, 'float32'), shape };
}

/** Number by number in row-major order, each operand read from its own place. */
function combine(
  a: Value,
  b: Value,
  shape: readonly number[],
  compute: (a: number, b: number) => number,
): Float32Array {
  const [x, y] = [a.constant!.data as Float32Array, b.constant!.data as Float32Array];
  const [xSteps, ySteps] = [stepsOf(a, shape), stepsOf(b, shape)];
  const index = shape.map(() => 0);
  const result = new Float32Array(sizeOf(shape));
  for (let i = 0, xAt = 0, yAt = 0; i < result.length; i++) {
    result[i] = compute(x[xAt]!, y[yAt]!);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const isLast = ++index[axis]! === shape[axis];
      const steps = isLast ? 1 - shape[axis]! : 1;
      xAt += xSteps[axis]! * steps;
      yAt += ySteps[axis]! * steps;
      if (!isLast) break;
      index[axis] = 0;
    }
  }
  return result;
}

/** The numbers of a constant with its axes in another order. */
export function permuted<T extends Data>(
  data: T,
  shape: readonly number[],
  perm: readonly number[],
): T {
  const steps = perm.map((axis) => sizeOf(shape.slice(axis + 1)));
  const sides = perm.map((axis) => shape[axis]!);
  const index = sides.map(() => 0);
  const result = data.slice() as T;
  for (let i = 0, at = 0; i < result.length; i++) {
    result[i] = data[at]!;
    for (let axis = sides.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < sides[axis]!) break;
      at -= steps[axis]! * sides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
