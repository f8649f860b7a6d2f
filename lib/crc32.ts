/** CRC-32 as used by zip (polynomial 0xEDB88320), eight bytes at a time. */

const TABLES = makeTables();

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  const tables = [first];
  for (let i = 1; i < 8; i++) {
    tables.push(tables[i - 1]!.map((n) => first[n & 0xff]! ^ (n >>> 8)));
  }
  return tables;
}

/** The CRC-32 of `bytes`, continuing from `crc`, the CRC-32 of the bytes before them. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [Uint32Array, ...Uint32Array[]];
  const whole = bytes.length - (bytes.length % 8);
  let c = ~crc;
  let i = 0;
  for (; i < whole; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      t7![c & 0xff]! ^
      t6![(c >>> 8) & 0xff]! ^
      t5![(c >>> 16) & 0xff]! ^
      t4![c >>> 24]! ^
      t3![bytes[i + 4]!]! ^
      t2![bytes[i + 5]!]! ^
      t1![bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) c = t0[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
