/**
 * Seeded random numbers from one place. A seed and a path name a stream, such as `new Random(42, 'epoch', 3, 'sample',
 * 17)`, so that what one part draws never depends on how much another has drawn, nor on the number of workers.
 *
 * The generator is xoshiro128** (Blackman and Vigna, arXiv 1805.01407). Its state is a 128-bit hash of seed and path:
 * for shuffling and noise, not for secrets.
 */
import { show } from './validate';

/** Everything a stream needs to continue: four words, and the spare normal number. */
export interface RandomState {
  words: [number, number, number, number];
  spareNormal: number | null;
}

export class Random {
  private words: Uint32Array;
  private spareNormal: number | null = null;

  /**
   * @param seed any safe integer
   * @param path names and numbers that distinguish this stream from others with the same seed
   * @throws RangeError if seed is not a safe integer
   */
  constructor(
    readonly seed: number,
    ...path: (string | number)[]
  ) {
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(`seed must be a safe integer, but got ${show(seed)}`);
    }
    this.words = seedWords(JSON.stringify([seed, ...path]));
  }

  /** 32 random bits, 0 .. 2^32 - 1. */
  bits(): number {
    const w = this.words;
    const result = Math.imul(rotate(Math.imul(w[1], 5), 7), 9) >>> 0;
    const shifted = w[1] << 9;
    w[2] ^= w[0];
    w[3] ^= w[1];
    w[1] ^= w[2];
    w[0] ^= w[3];
    w[2] ^= shifted;
    w[3] = rotate(w[3], 11);
    return result;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  next(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform among 0 .. n - 1, without bias; n from 1 to 2^32. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`n must be an integer from 1 to 2^32, but got ${show(n)}`);
    }
    const fair = 2 ** 32 - (2 ** 32 % n);
    let bits = this.bits();
    while (bits >= fair) bits = this.bits();
    return bits % n;
  }

  /** One of the given values, all equally likely. */
  choice<T>(from: readonly T[]): T {
    return from[this.integer(from.length)];
  }

  /** Normal, by Marsaglia's polar method. */
  normal(mean = 0, std = 1): number {
    if (this.spareNormal !== null) {
      const spare = this.spareNormal;
      this.spareNormal = null;
      return mean + std * spare;
    }
    let a: number;
    let b: number;
    let square: number;
    do {
      a = this.uniform(-1, 1);
      b = this.uniform(-1, 1);
      square = a * a + b * b;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.spareNormal = b * scale;
    return mean + std * a * scale;
  }

  /** Gamma with the given shape and scale 1 (Marsaglia and Tsang 2000). */
  gamma(shape: number): number {
    if (!(shape > 0) || shape === Number.POSITIVE_INFINITY) {
      throw new RangeError(`shape must be a positive finite number, but got ${show(shape)}`);
    }
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.next()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }

  /** Beta(a, b) in [0, 1], as mixup draws its lambda. */
  beta(a: number, b: number): number {
    const x = this.gamma(a);
    const y = this.gamma(b);
    // Both underflow only for tiny a and b, where nearly all of the mass is at 0 and 1.
    return x + y > 0 ? x / (x + y) : Number(this.next() < a / (a + b));
  }

  /** 0 .. n - 1 in random order (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** The current state of the stream, for checkpoints. */
  get state(): RandomState {
    const [a, b, c, d] = this.words;
    return { words: [a, b, c, d], spareNormal: this.spareNormal };
  }

  set state({ words, spareNormal }: RandomState) {
    if (words.length !== 4 || words.every((word) => word === 0)) {
      throw new Error(`state.words must be four words that are not all 0, but got ${show(words)}`);
    }
    this.words = Uint32Array.from(words);
    this.spareNormal = spareNormal;
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** Four words from a text: FNV-1a's xor and multiply, with a different prime for each, then a mix of all four. */
function seedWords(text: string): Uint32Array {
  const primes = [0x01000193, 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d];
  const words = Uint32Array.of(0x811c9dc5, 0x243f6a88, 0x13198a2e, 0xa4093822);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    for (let k = 0; k < 4; k++) {
      const word = Math.imul(words[k] ^ unit, primes[k]);
      words[k] = word ^ (word >>> 15);
    }
  }
  for (let k = 0; k < 8; k++) {
    words[k & 3] = avalanche(words[k & 3] + words[(k + 1) & 3]);
  }
  if (words.every((word) => word === 0)) words[0] = 1; // The one state that xoshiro cannot leave.
  return words;
}

/** Every bit of the input affects every bit of the result (murmur3's finalizer). */
function avalanche(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
