/** Sources as samples for a network: made as its held-out samples are. */
import { extname } from 'node:path';
import type { DataSetDescription } from '../datasets/data_sets';
import { normalize } from '../datasets/transforms';
import { Random } from '../lib/random';
import { imageRules, readImage } from '../node/datasets/own/image';
import { framesOf, readRecording, recordingExtensions } from '../node/datasets/own/recording';
import { testTransform } from '../training/from_recipe';
import type { Recipe } from '../training/recipe';
import { describeData, isOwnData } from '../training/recipe_data';
import { samplesOf } from './_samples';
import { kindName, type Source } from './_sources';

/** A sample as its network takes it. */
export interface Question {
  name: string;
  data: Float32Array;
}

/** What is known of a network's samples. */
export type SampleFacts = Pick<Recipe, 'data' | 'evaluation'>;

/**
 * The samples of a source: one, or as many as `most` of a file that holds many.
 * @param input Shape that the network takes, without the batch.
 * @throws if the source cannot be read, or is not what the network takes
 */
export async function questionsOf(
  source: Source,
  input: number[],
  facts: SampleFacts,
  most: number,
): Promise<Question[]> {
  const kind = kindName(source);
  const description = describeData(facts.data);
  if (source.path !== undefined && isPacked(kind, description, facts)) {
    const { x } = samplesOf(source.path, input, most, facts.data);
    const all = x.dataSync() as Float32Array;
    const [count] = x.shape as [number];
    x.dispose();
    const size = all.length / count;
    return Array.from({ length: count }, (_, i) => ({
      name: count === 1 ? source.name : `${source.name}[${i}]`,
      data: all.subarray(i * size, (i + 1) * size),
    }));
  }
  const bytes = await source.read();
  const data =
    description.kind === 'events'
      ? await framesFor(kind, bytes, input, facts)
      : await pixelsFor(kind, bytes, input, facts);
  return [{ name: source.name, data }];
}

/** Files of many samples, and recordings of the known data sets, whose axes are their own. */
function isPacked(name: string, { kind }: DataSetDescription, { data }: SampleFacts): boolean {
  if (/idx\d-ubyte$|\.safetensors$/.test(name)) return true;
  if (kind === 'images') return extname(name) === '.bin';
  return !isOwnData(data.name) && /\.(aedat|bin)$/.test(name);
}

async function framesFor(name: string, bytes: Buffer, input: number[], { data }: SampleFacts) {
  const [frames, height, width] = input as [number, number, number];
  const { splitBy = 'number', sensor } = data;
  // stdin has no name: its first bytes show its kind.
  const kind = recordingExtensions.includes(extname(name)) ? name : `stdin${kindOfBytes(bytes)}`;
  const recording = await readRecording(kind, bytes, sensor);
  return framesOf(recording, { frames, splitBy, size: [height, width] }).data;
}

function kindOfBytes(bytes: Buffer): string {
  const begin = bytes.toString('latin1', 0, 6);
  if (begin.startsWith('#!AER')) return '.aedat';
  if (begin.startsWith('% ')) return '.dat';
  if (begin === '\x93NUMPY') return '.npy';
  return begin.startsWith('PK') ? '.npz' : '.bin';
}

async function pixelsFor(name: string, bytes: Buffer, input: number[], facts: SampleFacts) {
  const [height, width, channels] = input as [number, number, 1 | 3];
  const rules = imageRules([height, width], channels, facts.evaluation);
  const image = await readImage(bytes, name, rules);
  const evaluation = { cropPct: 1, ...facts.evaluation };
  const size = [height, width] as [number, number];
  const shaped = { ...facts, data: { ...facts.data, name: 'own-images' as const, size } };
  const { data } = testTransform({ ...shaped, evaluation })!(image, new Random(0, 'none'));
  const { mean, std } = describeData(facts.data);
  if (mean && std) return normalize(data as Uint8Array, mean, std);
  return Float32Array.from(data, (byte) => byte / 255);
}
