/**
 * An image folder listed earlier, in the form that threads receive. Nothing here needs tfjs, which takes threads half a
 * second to load.
 */
import { join } from 'node:path';
import { checkIndex } from '../../datasets/memory_source';
import type { SampleSource } from '../../datasets/sample';
import { decodeImage } from './_decode_image';

/** Its content in a form that threads share: 1.3 million names are 36 MB. */
export interface PackedImageFolder {
  name: string;
  split: string;
  root: string;
  classNames: readonly string[];
  mean?: readonly number[];
  std?: readonly number[];
  /** File names in UTF-8, one after another. */
  names: Uint8Array;
  /** Of all of this. */
  fingerprint: string;
  /** Where each name ends. */
  ends: Uint32Array;
  labels: Uint16Array;
}

/** The source of a folder that was listed earlier. */
export function unpackImageFolder(packed: PackedImageFolder): SampleSource {
  const { root, name, split, classNames, mean, std, fingerprint, names, ends, labels } = packed;
  const pathOf = (index: number) => {
    const bytes = names.slice(index === 0 ? 0 : ends[index - 1], ends[index]);
    return join(root, classNames[labels[index]], Buffer.from(bytes).toString());
  };
  return {
    ...{ name, split, classNames, mean, std, fingerprint },
    length: labels.length,
    workerSpec: { name: 'image-folder', options: packed },
    async read(index) {
      checkIndex(index, labels.length);
      const { data, height, width } = await decodeImage(pathOf(index));
      return { data, shape: [height, width, 3], label: labels[index] };
    },
  };
}
