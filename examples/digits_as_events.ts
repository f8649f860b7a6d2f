/** MNIST before an event camera that jerks, made by `browser/network/saccades.ts` when a sample is read. */
import { eventsToFrames, type SampleSource } from 'tfjs-spikingformer/datasets';
import type { Dataset } from 'tfjs-spikingformer/node';
import { saccades } from './browser/network/saccades';

/** Frames of a recording, of equal times. */
export const FRAMES = 8;

/** The digits as recordings. */
export function asEvents(digits: Dataset): SampleSource {
  const { name, split, length, classNames } = digits;
  return {
    ...{ name: `${name}-events`, split, length, classNames },
    async read(index) {
      const { data, label } = await digits.read(index);
      const events = saccades(data as Uint8Array);
      return { ...eventsToFrames(events, { frames: FRAMES, splitBy: 'time' }), label };
    },
  };
}
