/** `npm run bench -- families`: whom it has. */
import { networks } from '../../bench/families';
import { allFamilies } from '../../models/families';

test('every family whose networks classify has a row, of a preset of its own', () => {
  // SpikeCLIP's give features of an image or a text.
  const classify = allFamilies().filter(({ name }) => !name.startsWith('spikeclip'));
  expect(Object.keys(networks).sort()).toEqual(classify.map(({ name }) => name).sort());
  for (const { name, presets } of classify) {
    expect(Object.keys(presets)).toContain(networks[name]!.preset);
  }
});
