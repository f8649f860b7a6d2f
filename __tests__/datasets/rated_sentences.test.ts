/** The file of rated sentences: its lines, its splits, and what is refused. */
import { readRatedSentences, splitRatedSentences } from 'tfjs-spikingformer/datasets';

const file = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i + 1}\t${i % 2 ? -1.5 : 2}\tSentence ${i + 1}`);

test('reads ids, ratings and sentences, with and without an end of the last line', () => {
  const lines = [
    '1\t2.26666666667\tA fine, fine film.',
    "2\t-4\t''Jirí'' is dull",
    '3\t0.0\tA film',
  ];
  const expected = [
    { id: 1, rating: 2.26666666667, text: 'A fine, fine film.' },
    { id: 2, rating: -4, text: "''Jirí'' is dull" },
    { id: 3, rating: 0, text: 'A film' },
  ];
  expect(readRatedSentences(lines.join('\r\n'))).toEqual(expected);
  expect(readRatedSentences(`${lines.join('\n')}\n`)).toEqual(expected);
});

test.each<[string, unknown, string]>([
  [
    'a rating that is none',
    '1\t2\tfine\r\n2\tgood\tdull',
    'line 2 must be an id, a rating from -4 to 4',
  ],
  ['a rating beyond the scale', '1\t4.5\tfine', 'line 1 must be'],
  ['an empty sentence', '1\t2\t ', 'line 1 must be'],
  [
    'a column too many',
    '1\t2\tfine\tfilm',
    'and a sentence, with tabs between, but got "1\\t2\\tfine\\tfilm"',
  ],
  ['an empty line between', '1\t2\tfine\n\n2\t1\tdull', 'line 2 must be'],
  ['no text', new Uint8Array(3), 'text must be a string, but got object'],
])('%s is refused', (_, text, message) => {
  const read = () => readRatedSentences(text as string);
  expect(read).toThrow(message);
  expect(read).toThrow(expect.objectContaining({ name: 'DatasetError' }));
});

test('one in five is held out, always the same, and no sentence is in both splits', () => {
  const { train, test: held } = splitRatedSentences(readRatedSentences(file(20).join('\n')));
  expect([train.length, held.length]).toEqual([16, 4]);
  expect(held.map(({ id }) => id)).toEqual([4, 14, 16, 19]); // results rest on it
  expect([...train, ...held].map(({ id }) => id).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  for (const { label, rating } of [...train, ...held]) expect(label).toBe(rating > 0 ? 1 : 0);
});

test('sentences rated 0 and repetitions are left out', () => {
  const lines = [...file(10), '11\t0\tNeither', '12\t3\tSentence 1', '13\t-3\tNeither'];
  const { train, test: held } = splitRatedSentences(readRatedSentences(lines.join('\n')));
  expect([...train, ...held].map(({ id }) => id).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 10 }, (_, i) => i + 1),
  );
});
