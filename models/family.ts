/** What a family of networks declares about itself. */
import type * as tf from '@tensorflow/tfjs';
import type { NetworkOptions } from './options';
import type { LayerNames, Shapes, Sizes, TorchEntry } from './torch_names';

/** The family's state_dicts in its authors' code. */
export interface AuthorsCode {
  /** The entries of each of the family's layers, by class name. Heads, inputs and readouts are already known. */
  layers: Readonly<Record<string, LayerNames>>;
  /**
   * The entries in the authors' order if that is not the order of the layers, and stock layers under the authors'
   * names.
   */
  inOrder?(entries: TorchEntry[]): TorchEntry[];
  /** The options that the shapes of a state_dict determine, or the reason why it belongs to another family. */
  sizes(shapes: Shapes): Sizes | string;
  /**
   * Further options from the args of the authors' script, in this family's terms. Heads, time steps, patches, tau and
   * image size are read under the names that all scripts share.
   */
  fromArgs?(args: Readonly<Record<string, unknown>>, shapes: Shapes): Record<string, unknown>;
  /**
   * Sizes of the smallest network whose weights have the same names; including inputShape, if it is neither that of an
   * image nor of events.
   */
  smallest(config: FamilyConfig): Readonly<Record<string, unknown>>;
  /** Matches keys of blocks after the first, whose number is one of the sizes. */
  laterBlocks: RegExp;
  /** Matches keys of modules that the code owns but never uses. */
  unused: RegExp;
}

/** The options that every family has. */
export interface FamilyConfig {
  inputShape: number[];
  /** Null or missing if the network is not a classifier. */
  numClasses?: number | null;
  timeSteps?: number;
  [option: string]: unknown;
}

/** A family of networks: what `registerFamily` takes. */
export interface Family<Config extends object = FamilyConfig> {
  /** The names of its presets begin with it, and recipes use it. */
  name: string;
  /** Every option of its config. */
  options: NetworkOptions;
  /** The network with fresh weights. */
  create(config: Config): tf.LayersModel;
  /** What a user of loaded weights should know about a configuration, one sentence each. */
  notes?(config: Config): string[];
  /** Configurations by name. */
  presets: Readonly<Record<string, Config>>;
  authors: AuthorsCode;
}
