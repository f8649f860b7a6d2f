/**
 * What a kernel of this library is, and what a backend has for it. A kernel's file defines it and has the
 * function that runs it; nothing here installs: whoever runs one comes through index.ts, which does.
 */
import * as tf from '@tensorflow/tfjs';
import { engine, mayDifferentiateTwice } from '../tfjs_internals';

export type Tensors = tf.Tensor | tf.Tensor[];

/** In tfjs operations. Of a kernel it says what has to come out. */
type Form = (inputs: Record<string, tf.Tensor>, attrs: never) => Tensors;

export interface KernelDefinition {
  name: string;
  /** The specification, in stock tfjs operations, and what runs on a backend without a kernel of its own. */
  composed?: Form;
  /**
   * In the place of `composed`, of a kernel that stands for other operations: those. They run, with gradients of
   * their own, on a backend that has no such kernel.
   */
  standsFor?: Form;
  gradient?: GradientKernel | Omit<tf.GradConfig, 'kernelName'>;
  /** Of a gradient's kernel: what has no second-order gradient, and why. tfjs would name the kernel. */
  once?: { what: string; why: string };
}

/** A gradient that another kernel computes: of `dy`, that of the first output, and of what is kept. */
export interface GradientKernel {
  kernel: string;
  /** The inputs that it takes. */
  inputs: string[];
  /** Names of the outputs that it takes, '' for one that it does not. */
  outputs?: string[];
  /** The inputs whose gradients it returns. */
  of: string[];
}

/** All that one backend has; what it lacks is composed. */
export interface Backend {
  name: string;
  /** This library's own kernels. The first of a name is taken. */
  kernels(): tf.KernelConfig[];
  /** In the place of tfjs's: what it lacks, has wrong, or has slow. */
  overrides(): tf.KernelConfig[];
  /** Before the kernels are installed. */
  onInstall?(backend: tf.KernelBackend): void;
}

export function runKernel<T extends Tensors>(
  name: string,
  inputs: tf.NamedTensorMap,
  attrs: object,
): T {
  return engine().runKernel(name, inputs, attrs) as T;
}

/**
 * The kernel, if the backend has it; else, and if a gradient of a gradient may be asked for, which kernels have
 * not, its form in tfjs operations.
 */
export function runKernelOrForm<T extends Tensors>(
  { name, standsFor, composed }: KernelDefinition,
  inputs: tf.NamedTensorMap,
  attrs: object,
): T {
  if (!mayDifferentiateTwice() && tf.getKernel(name, tf.getBackend())) {
    return runKernel<T>(name, inputs, attrs);
  }
  const form = (standsFor ?? composed)!;
  return form(inputs, attrs as never) as T;
}

/** The inputs that a call really has: the engine knows no optional ones. */
export function present(inputs: Record<string, tf.Tensor | undefined>): tf.NamedTensorMap {
  return Object.fromEntries(
    Object.entries(inputs).filter((entry): entry is [string, tf.Tensor] => entry[1] !== undefined),
  );
}

/** Of a definition's `once`: the gradient function that says so. */
export function noSecondOrder({ what, why }: NonNullable<KernelDefinition['once']>): tf.GradFunc {
  return () => {
    throw new Error(
      `${what} has no second-order gradient: ${why}. Take the gradient of a gradient, such as a gradient ` +
        'penalty, of a part of the network without it',
    );
  };
}
