/** Words taken away: how many, never padding, and the same ones for one stream of chance. */
import { createTransform, wordDropout } from 'tfjs-spikingformer/datasets';
import { Random } from '../../../lib/random';

const options = { probability: 0.25, unknownId: 1, padId: 0 };
const ids = Float32Array.from({ length: 4000 }, (_, i) => (i < 3000 ? 2 + (i % 50) : 0));
const sample = { data: ids, shape: [4000], label: 1 };
const drop = (transform = wordDropout(options), seed = 0) =>
  transform(sample, new Random(seed, 'sample'));

test('takes its share of the words, and no padding', () => {
  const { data, shape, label } = drop();
  expect({ shape, label }).toEqual({ shape: [4000], label: 1 });
  const unknown = data.slice(0, 3000).filter((id) => id === 1).length;
  expect(Math.abs(unknown - 750)).toBeLessThan(100); // four standard deviations
  expect([...data.slice(3000)]).toEqual(Array(1000).fill(0));
  const others = [...data.slice(0, 3000)].every((id, i) => id === 1 || id === ids[i]);
  expect(others).toBe(true);
  expect(ids).not.toContain(1); // what it was given stays
});

test('one stream takes the same words, by its configuration too; another takes others', () => {
  const made = createTransform(wordDropout(options).config!);
  expect(drop(made).data).toEqual(drop().data);
  expect(drop(undefined, 1).data).not.toEqual(drop().data);
  expect(drop(wordDropout({ ...options, probability: 0 })).data).toEqual(ids);
});

test.each<[object, string]>([
  [{ probability: 1 }, 'probability must be a number from 0 to below 1, but got 1'],
  [{ probability: Number.NaN }, 'probability must be a number from 0 to below 1, but got NaN'],
  [{ padId: -1 }, 'padId must be an id from 0, but got -1'],
  [{ unknownId: 0.5 }, 'unknownId must be an id from 0, but got 0.5'],
  [{ rate: 1 }, "wordDropout has no option 'rate'"],
])('%j is refused', (wrong, message) => {
  expect(() => wordDropout({ ...options, ...wrong })).toThrow(message);
});
