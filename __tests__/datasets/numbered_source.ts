/** A data set whose sample i is an image of 2 x 2 pixels of i, of class i. */
import { memorySource, type SampleSource } from 'tfjs-spikingformer/datasets';

export function numberedSource(length: number): SampleSource {
  return memorySource({
    name: 'numbered',
    split: 'train',
    data: Uint8Array.from({ length: 12 * length }, (_, i) => Math.floor(i / 12)),
    shape: [2, 2, 3],
    labels: Uint8Array.from({ length }, (_, i) => i),
    classNames: Array.from({ length }, (_, i) => `${i}`),
  });
}
