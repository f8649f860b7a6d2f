/** Runs our fragment programs on tfjs's MathBackendWebGL. */
import { env, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs';
import type { WebGLBackend, WebGLProgram } from '../../tfjs_internals';

export interface Fragment {
  /** The textures that the code reads, by name and in the shape that it uses: `getName(...)`. */
  inputs: Record<string, TensorInfo>;
  /** At most three axes: the code runs once per element, at `getOutputCoords()`. */
  outputShape: number[];
  /** Whether a texel of inputs and output holds two rows of two numbers. */
  packed?: boolean;
  floats?: Record<string, number>;
  ints?: Record<string, number>;
  functions?: string;
  /** Statements; the last calls `setOutput`. */
  body: string;
}

/** Runs a program in one draw call, besides those with which tfjs packs or unpacks its inputs. */
export function draw(backend: WebGLBackend, f: Fragment): TensorInfo {
  const floats = Object.entries(f.floats ?? {});
  const ints = Object.entries({ ...f.ints, zero: 0 });
  const named = (type: 'float' | 'int') => (entry: [string, number]) => ({ name: entry[0], type });
  const program: WebGLProgram = {
    outputShape: f.outputShape,
    variableNames: Object.keys(f.inputs),
    customUniforms: [...floats.map(named('float')), ...ints.map(named('int'))],
    userCode: `${f.functions ?? ''}\nvoid main() { ${f.body} }`,
    packedInputs: f.packed === true,
    packedOutput: f.packed === true,
    enableShapeUniforms: true,
  };
  const values = [...floats, ...ints].map(([, value]) => [value]);
  return backend.runWebGLProgram(program, Object.values(f.inputs), 'float32', values);
}

export function isPacked(backend: WebGLBackend, { dataId }: TensorInfo): boolean {
  return backend.texData.get(dataId).isPacked === true;
}

/** Runs `body` with tensors that hold one number per texel, unpacked once for all of its programs. */
export function withUnpacked<Inputs extends Record<string, TensorInfo>, T>(
  backend: WebGLBackend,
  inputs: Inputs,
  body: (inputs: Inputs) => T,
): T {
  const made: TensorInfo[] = [];
  const unpacked = Object.entries(inputs).map(([name, tensor]) => {
    if (!isPacked(backend, tensor)) return [name, tensor];
    made.push(backend.unpackTensor(tensor));
    return [name, made.at(-1)!];
  });
  const result = body(Object.fromEntries(unpacked) as Inputs);
  for (const tensor of made) backend.disposeIntermediateTensorInfo(tensor);
  return result;
}

/** Throws if textures hold 16-bit numbers: training steps are too small for them. */
function checkPrecision(): void {
  if (env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) return;
  throw new Error(
    'This device draws only to 16-bit textures, which are too coarse for the weights and membranes of a training step: ' +
      "train on another backend, such as 'wasm' (chooseBackend([...], { training: true }) finds one)",
  );
}

/** Throws if the context is lost: WebGL itself continues without an error, and reads zeros. */
function checkContext({ gpgpu }: WebGLBackend): void {
  if (!gpgpu.gl.isContextLost()) return;
  throw new Error(
    'The webgl context was lost, and its tensors with it: choose a backend again, and reload the model ' +
      'and its data',
  );
}

/** A kernel of this backend. */
export function kernel<Inputs, Attrs>(
  kernelName: string,
  run: (inputs: Inputs, backend: WebGLBackend, attrs: Attrs) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: 'webgl',
    kernelFunc: ({ inputs, backend, attrs }) => {
      checkContext(backend as WebGLBackend);
      return run(inputs as Inputs, backend as WebGLBackend, attrs as Attrs);
    },
  };
}

/** The kernel of a gradient, which runs only on devices with 32-bit textures. */
export function gradientKernel<Inputs, Attrs>(
  kernelName: string,
  run: (inputs: Inputs, backend: WebGLBackend, attrs: Attrs) => TensorInfo | TensorInfo[],
): KernelConfig {
  return kernel<Inputs, Attrs>(kernelName, (inputs, backend, attrs) => {
    checkPrecision();
    return run(inputs, backend, attrs);
  });
}
