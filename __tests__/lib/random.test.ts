import { Random } from '../../lib/random';

const draws = 100_000;

describe('Random', () => {
  it('repeats itself for one seed and path, and not for another', () => {
    const first = (...path: (string | number)[]) => new Random(7, ...path).bits();
    expect(first('epoch', 3)).toBe(first('epoch', 3));
    const starts = new Set<number>();
    for (let i = 0; i < 1000; i++) starts.add(first('epoch', i)).add(first('sample', i));
    expect(starts.size).toBe(2000);
    expect(first('a', 'b')).not.toBe(first('ab'));
    expect(new Random(8).bits()).not.toBe(new Random(7).bits());
  });

  it("follows the authors' xoshiro128**", () => {
    const random = new Random(0);
    random.state = { words: [1, 2, 3, 4], spareNormal: null };
    // The reference C code from state {1, 2, 3, 4}.
    expect([random.bits(), random.bits(), random.bits(), random.bits()]).toEqual([
      11520, 0, 5927040, 70819200,
    ]);
  });

  it('goes on from a stored state, with the spare normal number', () => {
    const random = new Random(1, 'here');
    random.normal();
    const state = JSON.parse(JSON.stringify(random.state));
    const expected = [random.normal(), random.next(), random.normal()];
    const other = new Random(99);
    other.state = state;
    expect([other.normal(), other.next(), other.normal()]).toEqual(expected);
  });

  it('has uniform bits and neighbours that do not follow each other', () => {
    let correlation = 0;
    const ones = new Array(32).fill(0);
    for (let i = 0; i < draws; i++) {
      const a = new Random(1, i).bits();
      const b = new Random(1, i + 1).bits();
      correlation += (a / 2 ** 32 - 0.5) * (b / 2 ** 32 - 0.5);
      for (let k = 0; k < 32; k++) ones[k] += (a >>> k) & 1;
    }
    expect(Math.abs((12 * correlation) / draws)).toBeLessThan(5 / Math.sqrt(draws));
    for (const count of ones) {
      expect(Math.abs(count / draws - 0.5)).toBeLessThan(2.5 / Math.sqrt(draws));
    }
  });

  it.each([
    ['next', (r: Random) => r.next(), 1 / 2, 1 / 12],
    ['integer(6)', (r: Random) => r.integer(6), 2.5, 35 / 12],
    ['integer(2^32)', (r: Random) => r.integer(2 ** 32) / 2 ** 32, 1 / 2, 1 / 12],
    ['normal(3, 2)', (r: Random) => r.normal(3, 2), 3, 4],
    ['gamma(0.5)', (r: Random) => r.gamma(0.5), 0.5, 0.5],
    ['gamma(4)', (r: Random) => r.gamma(4), 4, 4],
    ['beta(0.5, 0.5)', (r: Random) => r.beta(0.5, 0.5), 1 / 2, 1 / 8],
    ['beta(2, 3)', (r: Random) => r.beta(2, 3), 2 / 5, 1 / 25],
    ['beta(1e-9, 1e-9)', (r: Random) => r.beta(1e-9, 1e-9), 1 / 2, 1 / 4],
  ])('%s has the mean and variance of its law', (_name, draw, mean, variance) => {
    const random = new Random(11);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < draws; i++) {
      const x = draw(random) - mean;
      sum += x;
      squares += x * x;
    }
    expect(Math.abs(sum / draws)).toBeLessThan(5 * Math.sqrt(variance / draws));
    expect(squares / draws / variance).toBeCloseTo(1, 1);
  });

  it('permutes: every index once, every first index as likely', () => {
    const random = new Random(5);
    const firsts = new Array(5).fill(0);
    for (let i = 0; i < 5000; i++) {
      const order = random.permutation(5);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4]);
      firsts[order[0]]++;
    }
    for (const count of firsts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('says what is wrong', () => {
    expect(() => new Random(0.5)).toThrow('seed must be a safe integer, but got 0.5');
    expect(() => new Random(1).integer(0)).toThrow(
      'n must be an integer from 1 to 2^32, but got 0',
    );
    expect(() => new Random(1).gamma(0)).toThrow(
      'shape must be a positive finite number, but got 0',
    );
    expect(() => {
      new Random(1).state = { words: [0, 0, 0, 0], spareNormal: null };
    }).toThrow('state.words must be four words that are not all 0');
  });
});
