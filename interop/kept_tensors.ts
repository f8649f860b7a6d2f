/**
 * Tensors that a PyTorch checkpoint has and a model does not use (LayerNorms that the authors never
 * call, batch counters), kept with the model: as a safetensors file in base64 in its user-defined
 * metadata, which every tfjs IOHandler saves in model.json and loads from it.
 */
import type * as tf from '@tensorflow/tfjs';
import { readSafetensors, writeSafetensors } from './safetensors';
import { emptyStateDict, type StateDict, type StateDictLike } from './state_dict';

const KEY = 'torchUnusedTensors';

/** Numbers to a call: more arguments than this overflow some engines' stacks. */
const PIECE = 8192;

/** Stores tensors with a model, replacing earlier ones; the rest of its metadata stays. */
export function keepTensors(model: tf.LayersModel, tensors: StateDictLike): void {
  const { [KEY]: _, ...others } = (model.getUserDefinedMetadata() ?? {}) as Record<string, unknown>;
  const empty = Object.keys(tensors).length === 0;
  if (empty && model.getUserDefinedMetadata() === undefined) return;
  model.setUserDefinedMetadata(
    empty ? others : { ...others, [KEY]: base64(writeSafetensors(tensors)) },
  );
}

/**
 * The tensors of the authors' checkpoint that the model does not use, as loaded; empty if there were none. They are
 * saved and loaded with the model, and toTorchStateDict writes them again. Throws a SafetensorsError if a model file
 * was changed by hand.
 */
export function keptTorchTensors(model: tf.LayersModel): StateDict {
  const kept = (model.getUserDefinedMetadata() as Record<string, unknown> | undefined)?.[KEY];
  if (typeof kept !== 'string') return emptyStateDict();
  return readSafetensors(Uint8Array.from(atob(kept), (character) => character.charCodeAt(0)));
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(text);
}
