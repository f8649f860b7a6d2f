/** Bytes of .npy files, as numpy.save writes them. */

/** A file of that header and data. */
export function npyFile(descr: string, shape: string, data: Uint8Array, fortran = false): Buffer {
  const dict = `{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shape}, }`;
  const header = `${dict.padEnd(117)}\n`;
  const start = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), data]);
}

/** Little-endian float64 values. */
export const doubles = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
