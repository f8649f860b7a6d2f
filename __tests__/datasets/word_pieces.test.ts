/** A vocabulary of word pieces: which pairs become pieces, and that Hugging Face's library reads what comes out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { dataSets, trainWordPieces } from 'tfjs-spikingformer/datasets';
import { root } from '../support/process';

const sentences = ['Low, lower, lowest!', 'A low film; a LOWER price', 'new, newer, newest'];
const vocabulary = (vocabSize: number) =>
  Object.keys(trainWordPieces(sentences, { vocabSize }).model.vocab);
const tokens = (json: object, text: string) => new Tokenizer(json, {}).encode(text).tokens;

test('begins with special pieces and letters, then takes the most frequent pairs', () => {
  const pieces = vocabulary(60);
  const letters = pieces.findIndex((piece, i) => i > 1 && piece.replace('##', '').length > 1);
  expect(pieces.slice(0, 2)).toEqual(['[PAD]', '[UNK]']);
  expect(pieces.slice(2, letters)).toEqual([...pieces.slice(2, letters)].sort());
  // 'l ##o' and '##o ##w' occur five times each: the first in the alphabet is '##o ##w'.
  expect(pieces.slice(letters, letters + 2)).toEqual(['##ow', 'low']);
  expect(new Set(pieces).size).toBe(pieces.length);
});

test('ends with as many pieces as wanted, or with fewer if no pair occurs twice', () => {
  expect(vocabulary(25)).toHaveLength(25);
  expect(vocabulary(26).slice(0, 25)).toEqual(vocabulary(25));
  expect(vocabulary(1000).length).toBe(28);
  expect(vocabulary(1000)).toEqual(vocabulary(1000));
});

test('the library splits by it: words whole, others in pieces, unknown letters as unknown', () => {
  const json = trainWordPieces(sentences, { vocabSize: 1000 });
  expect(tokens(json, 'A LOWER low, Lówest')).toEqual(['a', 'lower', 'low', ',', 'low', '##est']);
  expect(tokens(json, 'low zebra')).toEqual(['low', '[UNK]']);
  for (const sentence of sentences) expect(tokens(json, sentence)).not.toContain('[UNK]');
});

test.each<[object, string]>([
  [{ vocabSize: 5 }, 'or more for the letters of these sentences, but got 5'],
  [{ vocabSize: 0 }, 'vocabSize must be a positive integer, but got 0'],
  [{ size: 9 }, "trainWordPieces has no option 'size'"],
])('%j is refused', (options, message) => {
  expect(() => trainWordPieces(sentences, options as { vocabSize: number })).toThrow(message);
});

test("the package's tokenizer has the ids that its data set names", () => {
  const json = JSON.parse(readFileSync(join(root, 'tokenizers/ratedsentences.json'), 'utf8'));
  const { vocabSize, padId, unknownId } = dataSets.ratedsentences;
  const { vocab } = json.model;
  expect(Object.keys(vocab)).toHaveLength(vocabSize);
  expect([vocab['[PAD]'], vocab['[UNK]']]).toEqual([padId, unknownId]);
  expect(tokens(json, 'A wonderful film, and a dull one.')).toEqual([
    'a',
    'wonderful',
    'film',
    ',',
    'and',
    'a',
    'dull',
    'one',
    '.',
  ]);
});
