import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { inGroups } from '../../training/_groups';

const LEAST = 2 ** 20;

const variablesOf = (sizes: number[]) =>
  sizes.map((size) => ({ variable: { size } as tf.Variable }));
const numbersIn = (group: { variable: tf.Variable }[]) =>
  group.reduce((sum, { variable }) => sum + variable.size, 0);

test('groups hold every variable in order, and are as small as their least size allows', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 * LEAST), { maxLength: 40 }), (sizes) => {
      const updates = variablesOf(sizes);
      const groups = inGroups(updates);
      expect(groups.flat()).toEqual(updates);
      for (const [i, group] of groups.entries()) {
        expect(numbersIn(group.slice(0, -1))).toBeLessThan(LEAST);
        if (i < groups.length - 1) expect(numbersIn(group)).toBeGreaterThanOrEqual(LEAST);
      }
    }),
  );
});
