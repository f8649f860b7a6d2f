import fc from 'fast-check';
import { categoryAxis, linearAxis, logAxis, tickLabel } from '../../display/axis';

const labels = (ticks: readonly number[]) => ticks.map(tickLabel);

test('linear: round steps between the ends, or beyond them', () => {
  expect(labels(linearAxis([1, 10], { whole: true }).ticks)).toEqual(['2', '4', '6', '8', '10']);
  expect(labels(linearAxis([1, 3], { whole: true }).ticks)).toEqual(['1', '2', '3']);
  const rates = linearAxis([0.13, 0.58], { roundEnds: true });
  expect(labels(rates.ticks)).toEqual(['0.1', '0.2', '0.3', '0.4', '0.5', '0.6']);
  expect(rates.place(0.1)).toBeCloseTo(0);
  expect(rates.place(0.6)).toBeCloseTo(1);
});

test('linear: no values, one, and those that are none', () => {
  expect(linearAxis([]).place(0.5)).toBe(0.5);
  expect(linearAxis([Number.NaN, 4, Infinity]).place(4)).toBe(0.5);
  expect(linearAxis([0, 0]).place(0)).toBe(0.5);
});

test.each([false, true])(
  'linear, roundEnds %p: two to nine ticks, values between the ends',
  (roundEnds) => {
    const value = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(value, fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (low, span) => {
        fc.pre(span > 1e-6 * Math.abs(low)); // what rounding leaves of smaller ones is noise
        const { ticks, place } = linearAxis([low, low + span], { roundEnds });
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.length).toBeLessThan(10);
        for (const each of [low, low + span, ...ticks]) {
          expect(place(each)).toBeGreaterThan(-1e-6);
          expect(place(each)).toBeLessThan(1 + 1e-6);
        }
      }),
    );
  },
);

test('logarithmic: 1, 2 and 5 times powers of ten, around the values', () => {
  expect(logAxis([3, 70]).ticks).toEqual([2, 5, 10, 20, 50, 100]);
  expect(logAxis([0.02, 0.05]).ticks).toEqual([0.02, 0.05]);
  expect(logAxis([10]).ticks).toEqual([10, 20]);
  expect(logAxis([4, 1, 16, 4], { valuesAsTicks: true }).ticks).toEqual([1, 4, 16]);
  expect(logAxis([7], { valuesAsTicks: true }).place(7)).toBe(0.5);
});

test('logarithmic: ticks enclose any values; equal factors are equally long', () => {
  const size = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(size, size, (a, b) => {
      const { ticks, place } = logAxis([a, b]);
      expect(ticks[0]).toBeLessThanOrEqual(Math.min(a, b));
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(Math.max(a, b));
      expect(ticks.length).toBeGreaterThan(1);
      expect(place(2 * a) - place(a)).toBeCloseTo(place(2 * b) - place(b));
    }),
  );
});

test.each([[0], [-1], [Number.NaN], [Infinity]])('logarithmic: %p has no place', (value) => {
  expect(() => logAxis([1, value])).toThrow(
    `values of a logarithmic axis must be positive numbers, but got ${value}`,
  );
});

test('logarithmic: no values are refused', () => {
  expect(() => logAxis([])).toThrow('but got an empty list');
});

test('categories: half a step of room on both sides', () => {
  const { ticks, place } = categoryAxis([3, 1, 2, 1]);
  expect(ticks).toEqual([1, 2, 3]);
  expect(ticks.map(place)).toEqual([1 / 6, 0.5, 5 / 6]);
});
