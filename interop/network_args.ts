/**
 * A network's options in a checkpoint's args: under the names that timm and the authors' scripts have
 * for them, and all of them, exactly, in a record of this library's.
 */
import type * as tf from '@tensorflow/tfjs';
import { allFamilies } from '../models/families';
import type { Family } from '../models/family';
import { networkConfig } from '../models/network_config';
import type { ModelConfig } from '../models/registry';
import type { Shapes, Sizes } from '../models/torch_names';
import { CheckpointError } from './checkpoint_error';

/** Where in the args this library's own record is: `family`, and the options of its config. */
const OWN = 'tfjs_spikingformer';

/** The scripts' names of options: all are written, and of those that args have, the first is read. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  numHeads: ['num_heads'],
  timeSteps: ['time_step', 'time_steps', 'T'],
  patchSize: ['patch_size'],
  embedDim: ['dim'],
  depth: ['layer'],
  mlpRatio: ['mlp_ratio'],
  numClasses: ['num_classes'],
  tau: ['tau'],
};

/**
 * What recognizePreset needs to know about a model besides its weights, as a checkpoint's `args`: heads, time steps,
 * tau and sizes under the names of timm's and the authors' scripts, and every option under `tfjs_spikingformer`. Empty
 * for a model of no family, or one whose layers differ in an option.
 *
 * ```ts
 * writeTorchCheckpoint(toTorchStateDict(model), { args: networkArgs(model) });
 * ```
 */
export function networkArgs(model: tf.LayersModel): Record<string, unknown> {
  const network = networkConfig(model);
  if (!network) return {};
  const { family, config } = network;
  const args: Record<string, unknown> = {};
  const { inputShape } = config as { inputShape?: number[] };
  const sizes = inputShape ?? [];
  const [channels, width, height, time] = sizes.length < 3 ? [] : [...sizes].reverse();
  const all: Record<string, unknown> = {
    ...config,
    ...(time !== undefined && { timeSteps: time }),
  };
  for (const [key, names] of Object.entries(NAMES)) {
    if (all[key] !== undefined) for (const name of names) args[name] = all[key];
  }
  if (sizes.length === 1) args.length = sizes[0];
  if (height !== undefined) {
    Object.assign(args, { img_size: height, in_channels: channels });
    if (height !== width) Object.assign(args, { img_size_h: height, img_size_w: width });
  }
  return { ...args, [OWN]: { family: family.name, ...config } };
}

/** This library's own record in a checkpoint's args. */
export function ownNetwork(args: unknown): { family: Family; config: Partial<ModelConfig> } | null {
  const own = (args as Record<string, unknown> | null | undefined)?.[OWN];
  if (typeof own !== 'object' || own === null) return null;
  const { family: name, ...config } = own as Record<string, unknown>;
  const family = allFamilies().find((family) => family.name === name);
  if (!family) {
    const names = allFamilies().map(({ name }) => name);
    throw new CheckpointError(
      `args.${OWN}.family must be one of ${names.join(', ')}, but is ${JSON.stringify(name)}`,
    );
  }
  const unknown = Object.keys(config).find((key) => !Object.hasOwn(family.options, key));
  if (unknown !== undefined) {
    throw new CheckpointError(
      `args.${OWN} has ${unknown}, which is not an option of ${family.name}`,
    );
  }
  return { family, config: config as Partial<ModelConfig> };
}

/** What a training script's args say of the network, where they say it plainly, and in the family's own terms. */
export function argsConfig(
  args: unknown,
  shapes: Shapes,
  { channels }: Sizes,
  family?: Family,
): Partial<ModelConfig> {
  if (typeof args !== 'object' || args === null) return {};
  const all = args as Record<string, unknown>;
  const whole = (...names: readonly string[]): number | undefined => {
    const value = names.map((name) => all[name]).find((v) => v !== undefined && v !== null);
    return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
  };
  const config: Partial<ModelConfig> = {};
  for (const key of ['numHeads', 'timeSteps', 'patchSize'] as const) {
    const value = whole(...NAMES[key]!);
    if (value !== undefined) config[key] = value;
  }
  if (typeof all.tau === 'number' && all.tau > 0) config.tau = all.tau;
  const side = whole('img_size', 'img_size_h');
  // Two channels are events. A script that sets in_channels made its network of these sizes; timm's img_size alone is no frame's.
  if (side !== undefined && channels !== undefined) {
    const image = [side, whole('img_size_w') ?? side, channels];
    if (channels !== 2) config.inputShape = image;
    else if (config.timeSteps && whole('in_channels') === 2) {
      config.inputShape = [config.timeSteps, ...image];
      delete config.timeSteps;
    }
  }
  Object.assign(config, family?.authors.fromArgs?.(all, shapes));
  const known = Object.entries(config).filter(
    ([key]) => !family || Object.hasOwn(family.options, key),
  );
  return Object.fromEntries(known);
}
