/** Pixels in groups of equal parity: the authors' order, images of odd sides, and the way back. */
import * as tf from '@tensorflow/tfjs';
import { fromParityGroups, parityGroupSizes, parityGroups } from '../../lib/parity_groups';
import { describeEachBackend } from '../support/backends';
import { loadFixture, toTensor } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

describeEachBackend('groups of pixels of equal parity', () => {
  test('lie as the authors partition them', () => {
    const fixture = loadFixture('ops/sgl_partition');
    tf.tidy(() => {
      const x = toTensor(fixture.activation('x'));
      const expected = toTensor(fixture.activation('partitioned'));
      const groups = parityGroups(x);
      expect(groups.shape).toEqual(expected.shape);
      expect(groups.dataSync()).toEqual(expected.dataSync());
      const [height, width] = x.shape.slice(2) as [number, number];
      expect(fromParityGroups(groups, height, width).dataSync()).toEqual(x.dataSync());
    });
  });

  test.each([
    [4, 6],
    [5, 4],
    [1, 3],
    [1, 1],
  ])('of %i x %i pixels have what the formula says, and lead back', async (height, width) => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const x = tf.range(1, 2 * 3 * height * width * 2 + 1).reshape([2, 3, height, width, 2]);
        const groups = parityGroups(x);
        const values = groups.arraySync() as number[][][][][];
        const pixels = x.arraySync() as number[][][][][];
        const counts = [0, 0, 0, 0];
        for (let y = 0; y < height; y++) {
          for (let column = 0; column < width; column++) {
            const group = (y % 2) * 2 + (column % 2);
            counts[group]!++;
            for (const n of [0, 1]) {
              const found = values[4 * n + group]![2]![Math.floor(y / 2)]![Math.floor(column / 2)];
              expect(found).toEqual(pixels[n]![2]![y]![column]);
            }
          }
        }
        expect(parityGroupSizes(height, width)).toEqual(counts);
        expect(groups.sum().dataSync()).toEqual(x.sum().dataSync());
        expect(fromParityGroups(groups, height, width).dataSync()).toEqual(x.dataSync());
      });
    });
  });
});
