import fc from 'fast-check';
import { csvLine, parseCsv } from '../../display/csv';

test('quotes where they are needed; null is empty', () => {
  expect(csvLine(['a', 'b, "c"', 'd\ne', 'f\rg', 1.5, null])).toBe(
    'a,"b, ""c""","d\ne","f\rg",1.5,\n',
  );
});

test('what is written is read back, whatever the text', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ä') });
  fc.assert(
    fc.property(fc.array(fc.record({ x: word, y: word }), { minLength: 1 }), (rows) => {
      const text = [['x', 'y'], ...rows.map(({ x, y }) => [x, y])].map(csvLine).join('');
      expect(parseCsv(text)).toEqual(rows);
    }),
  );
});
