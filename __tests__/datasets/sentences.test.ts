/** Sentences to ids: padding, cutting, and what is refused; by a tokenizer of words that stands for any. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { encodeSentences } from 'tfjs-spikingformer/datasets';
import '../support/backends';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'fine', 'film', 'dull'];
const tokenizer = {
  encode(text: string) {
    const ids = text.split(' ').map((word) => Math.max(words.indexOf(word), 1));
    return { ids: [2, ...ids, 3], tokens: [], attention_mask: [] };
  },
};
const encode = (sentences: unknown[], options: object = {}) =>
  encodeSentences(tokenizer, sentences as string[], { length: 5, ...options });

test('fills short sentences with padding, and takes those that just fit', () => {
  const { ids, shape, cut } = encode(['a film', 'dull', 'a fine film']);
  expect([...ids]).toEqual([...[2, 4, 6, 3, 0], ...[2, 7, 3, 0, 0], ...[2, 4, 5, 6, 3]]);
  expect({ shape, cut }).toEqual({ shape: [3, 5], cut: 0 });
  expect([...encode(['dull'], { padId: 9 }).ids]).toEqual([2, 7, 3, 9, 9]);
  expect(encode([]).shape).toEqual([0, 5]);
});

test('cuts where it is told to, with the id of an end or without', () => {
  const sentences = ['a fine fine film', 'dull'];
  const options = { tooLong: 'cut' };
  expect([...encode(sentences, options).ids.subarray(0, 5)]).toEqual([2, 4, 5, 5, 6]);
  const { ids, cut } = encode(sentences, { ...options, endId: 3 });
  expect([...ids]).toEqual([...[2, 4, 5, 5, 3], ...[2, 7, 3, 0, 0]]);
  expect(cut).toBe(1);
});

test('ids go through a network', async () => {
  await tf.setBackend('cpu');
  tf.tidy(() => {
    const sizes = { vocabSize: words.length, embedDim: 8, depth: 1, numHeads: 2 };
    const config = { inputShape: [5], numClasses: 2, padId: 0, ...sizes };
    const model = spiking.models.spikeBert(config);
    const { ids, shape } = encode(['a fine film', 'dull']);
    const logits = model.predict(tf.tensor2d(ids, shape, 'int32')) as tf.Tensor;
    expect(logits.shape).toEqual([2, 2]);
    model.dispose();
  });
});

test.each<[unknown[], object, string]>([
  [['dull', ''], {}, 'sentences[1] must be a text of at least one word, but got ""'],
  [['dull', ' \n'], {}, 'sentences[1] must be a text of at least one word, but got " \\n"'],
  [[5], {}, 'sentences[0] must be a text of at least one word, but got number'],
  [
    ['a fine fine film'],
    {},
    'sentences[0] must be of at most 5 ids, but has 6: "a fine fine film". tooLong',
  ],
  [
    ['a film', 'a plot'],
    { unknownId: 1 },
    'sentences[1] must be of words that the tokenizer knows, but its token 2 is unknown: "a plot"',
  ],
])('%j with %j is refused by name', (sentences, options, message) => {
  const run = () => encode(sentences, options);
  expect(run).toThrow(message);
  expect(run).toThrow(expect.objectContaining({ name: 'DatasetError' }));
});

test('a tokenizer that finds nothing in a text is told of', () => {
  const nothing = { encode: () => ({ ids: new Uint32Array(0) }) };
  expect(() => encodeSentences(nothing, ['...'], { length: 3 })).toThrow(
    'sentences[0] must have at least one token, but has none: "..."',
  );
});

test.each<[object, string]>([
  [{ length: 0 }, 'length must be a positive integer, but got 0'],
  [{ padId: -1 }, 'padId must be an id from 0, but got -1'],
  [{ endId: 1.5 }, 'endId must be an id from 0, but got 1.5'],
  [{ tooLong: 'wrap' }, "tooLong must be 'refuse' or 'cut', but got 'wrap'"],
  [{ maxLength: 3 }, "encodeSentences has no option 'maxLength'"],
])('options %j are refused', (options, message) => {
  expect(() => encode(['dull'], options)).toThrow(message);
});
