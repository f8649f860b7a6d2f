/** What a family of networks tells of itself. */
import type * as tf from '@tensorflow/tfjs';
import type { NetworkOptions } from './options';
import type { LayerNames, Shapes, Sizes, TorchEntry } from './torch_names';

/** The family's state_dicts in its authors' code. */
export interface AuthorsCode {
  /** The entries of each of the family's layers, by class name; those of a head, an input and a readout are known. */
  layers: Readonly<Record<string, LayerNames>>;
  /** A model's entries in the authors' order, if it is not that of the layers, and stock layers' under their names. */
  inOrder?(entries: TorchEntry[]): TorchEntry[];
  /** What the shapes of a state_dict tell of the config for certain, or why it is of another family. */
  sizes(shapes: Shapes): Sizes | string;
  /**
   * What the args of the authors' script tell beyond those sizes, in this family's terms; heads, time steps, patches,
   * tau and the image's size are read under the names that all scripts share.
   */
  fromArgs?(args: Readonly<Record<string, unknown>>, shapes: Shapes): Record<string, unknown>;
  /**
   * Sizes of the smallest network whose weights have the same names; its inputShape too, if that is neither an
   * image's nor events'.
   */
  smallest(config: FamilyConfig): Readonly<Record<string, unknown>>;
  /** Keys of blocks after the first, whose number is one of the sizes. */
  laterBlocks: RegExp;
  /** Keys of what the code owns and never uses. */
  unused: RegExp;
}

/** What every family's config has. */
export interface FamilyConfig {
  inputShape: number[];
  /** Null, or missing, if it is no classifier. */
  numClasses?: number | null;
  timeSteps?: number;
  [option: string]: unknown;
}

export interface Family<Config extends object = FamilyConfig> {
  /** With it the names of its presets begin, and recipes name it. */
  name: string;
  /** Every option of its config. */
  options: NetworkOptions;
  /** The network with fresh weights. */
  create(config: Config): tf.LayersModel;
  /** What a user of loaded weights should know of a configuration, one sentence each. */
  notes?(config: Config): string[];
  /** Configurations by name. */
  presets: Readonly<Record<string, Config>>;
  authors: AuthorsCode;
}
