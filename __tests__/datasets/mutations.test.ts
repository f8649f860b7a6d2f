/** Every reader of data against 10^4 mutated files; `npm run soak -- readers` makes 10^6 of them. */
import { soakReaders } from '../../scripts/soak/readers';

test('mutated and random bytes are read or refused by each reader', () => {
  const seed = process.env.CI ? 1 : Date.now() % 2 ** 32;
  jest.spyOn(console, 'log').mockImplementation();
  expect({ seed, found: soakReaders(10_000, seed) }).toEqual({ seed, found: [] });
});
