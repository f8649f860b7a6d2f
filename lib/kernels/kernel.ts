/**
 * Defines what a kernel of this library is, and what a backend provides for it. A kernel's file holds its definition
 * and the function that runs it. Nothing here installs kernels; index.ts does that before it runs one.
 */
import * as tf from '@tensorflow/tfjs';
import { engine, mayDifferentiateTwice } from '../tfjs_internals';

export type Tensors = tf.Tensor | tf.Tensor[];

/** A kernel in tfjs operations: the specification of its result. */
type Form = (inputs: Record<string, tf.Tensor>, attrs: never) => Tensors;

export interface KernelDefinition {
  name: string;
  /** The specification, in stock tfjs operations. It also runs on backends without a native kernel. */
  composed?: Form;
  /**
   * Instead of `composed`, for a kernel that replaces other operations: those operations. They run, with their own
   * gradients, on backends without such a kernel.
   */
  standsFor?: Form;
  gradient?: GradientKernel | Omit<tf.GradConfig, 'kernelName'>;
  /**
   * For a gradient's kernel: what has no second-order gradient, and why. Without this, tfjs's error would name the
   * kernel.
   */
  once?: { what: string; why: string };
}

/** A gradient that another kernel computes from `dy` (the gradient of the first output) and what was saved. */
export interface GradientKernel {
  kernel: string;
  /** The inputs that it takes. */
  inputs: string[];
  /** Names of the outputs that it takes; '' for an output that it skips. */
  outputs?: string[];
  /** The inputs whose gradients it returns. */
  of: string[];
}

/** Everything that one backend provides; the rest is composed. */
export interface Backend {
  name: string;
  /** Native kernels. Of two with one name, the first counts. */
  kernels(): tf.KernelConfig[];
  /** Replacements for tfjs's kernels that are missing, wrong or slow. */
  overrides(): tf.KernelConfig[];
  /** Called before the kernels are installed. */
  onInstall?(backend: tf.KernelBackend): void;
}

export function runKernel<T extends Tensors>(
  name: string,
  inputs: tf.NamedTensorMap,
  attrs: object,
): T {
  return engine().runKernel(name, inputs, attrs) as T;
}

/** Which outputs a gradient saves. */
export const savedOutputs = (gradient: NonNullable<KernelDefinition['gradient']>) =>
  'kernel' in gradient
    ? (gradient.outputs ?? []).map((output) => output !== '')
    : (gradient.outputsToSave ?? []);

/** What was saved for the gradient has none itself: tfjs would make as many zeros for it in the backward pass. */
function dropSavedOutputs(
  gradient: NonNullable<KernelDefinition['gradient']>,
  outputs: Tensors,
): void {
  const node = engine().state.activeTape?.at(-1);
  if (node?.outputs[0] !== [outputs].flat()[0]) return;
  const saved = savedOutputs(gradient);
  node!.outputs = node!.outputs.filter((_, i) => !saved[i]);
}

/**
 * Runs the kernel if the backend has it. Otherwise, or if a gradient of a gradient may be asked for (which kernels do
 * not have), runs the form in tfjs operations.
 */
export function runKernelOrForm<T extends Tensors>(
  { name, standsFor, composed, gradient }: KernelDefinition,
  inputs: tf.NamedTensorMap,
  attrs: object,
): T {
  if (!mayDifferentiateTwice() && tf.getKernel(name, tf.getBackend())) {
    const outputs = runKernel<T>(name, inputs, attrs);
    if (gradient) dropSavedOutputs(gradient, outputs);
    return outputs;
  }
  const form = (standsFor ?? composed)!;
  return form(inputs, attrs as never) as T;
}

/** The inputs that a call was given: the engine has no optional inputs. */
export function present(inputs: Record<string, tf.Tensor | undefined>): tf.NamedTensorMap {
  return Object.fromEntries(
    Object.entries(inputs).filter((entry): entry is [string, tf.Tensor] => entry[1] !== undefined),
  );
}

/** A gradient function that throws the error for a definition's `once`. */
export function noSecondOrder({ what, why }: NonNullable<KernelDefinition['once']>): tf.GradFunc {
  return () => {
    throw new Error(
      `${what} has no second-order gradient: ${why}. Take gradients of gradients, such as a gradient ` +
        'penalty, of a part of the network that does not contain it',
    );
  };
}
