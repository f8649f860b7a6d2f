/** How a worker thread recreates a source of samples from its workerSpec. */
import type { MemorySamples } from '../datasets/memory_source';
import { memorySource } from '../datasets/memory_source';
import type { SampleSource, WorkerSpec } from '../datasets/sample';
import { type PackedImageFolder, unpackImageFolder } from './datasets/packed_image_folder';

/** @throws if the name is unknown */
export async function sourceOf({ name, options }: WorkerSpec): Promise<SampleSource> {
  if (name === 'memory') return memorySource(options as MemorySamples);
  if (name === 'image-folder') return unpackImageFolder(options as PackedImageFolder);
  if (name.startsWith('file:')) {
    const make: unknown = (await import(name)).default;
    if (typeof make !== 'function') {
      throw new Error(`${name} must have a function as its default export, but has ${typeof make}`);
    }
    return make(options);
  }
  if (name === 'own-data') {
    const { reopenOwnData } = await import('./datasets/own/own_data');
    return reopenOwnData(options as never);
  }
  // Late: it brings tfjs along, of which the others have no need.
  const { datasetEntry } = await import('./datasets/registry');
  return datasetEntry(name).open(options as never);
}
