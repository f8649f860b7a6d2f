/** A pickle's bytes, read from front to back. */
import { CheckpointError } from '../checkpoint_error';

/** The longest pickle that is read: a hundred times the largest checkpoint's. */
export const MAX_PICKLE = 2 ** 26;

/** The pickle goes on behind the bytes at hand. */
export class PickleEndError extends Error {}

export class PickleBytes {
  protected at = 0;
  /** Where the opcode at hand begins. */
  protected opAt = 0;
  private readonly view: DataView;
  // Not made when this file is imported: jsdom and Hermes have no TextDecoder.
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** @param base where `bytes` begins in the file, for messages */
  constructor(
    protected readonly bytes: Uint8Array,
    private readonly base: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(problem: string): never {
    throw new CheckpointError(`pickle: ${problem}`, this.base + this.opAt);
  }

  /** Steps over `length` bytes, and says where they begin. */
  take(length: number): number {
    if (length > MAX_PICKLE || this.at + length > MAX_PICKLE) {
      this.fail(`it must be at most ${MAX_PICKLE} bytes long`);
    }
    if (this.at + length > this.bytes.length) throw new PickleEndError();
    this.at += length;
    return this.at - length;
  }

  uint8 = () => this.bytes[this.take(1)]!;
  uint16 = () => this.view.getUint16(this.take(2), true);
  int32 = () => this.view.getInt32(this.take(4), true);
  uint32 = () => this.view.getUint32(this.take(4), true);
  float = () => this.view.getFloat64(this.take(8), false);
  length64 = () => Number(this.view.getBigUint64(this.take(8), true));

  data(length: number): Uint8Array {
    const begin = this.take(length);
    return this.bytes.slice(begin, begin + length);
  }

  text(length: number): string {
    const begin = this.take(length);
    try {
      return this.decoder.decode(this.bytes.subarray(begin, begin + length));
    } catch {
      return this.fail('a text must be valid UTF-8');
    }
  }

  line(): string {
    let end = this.at;
    while (this.bytes[end] !== 0x0a) {
      if (end >= this.bytes.length) throw new PickleEndError();
      if (end - this.at > 200) this.fail('a name must have at most 200 characters');
      end++;
    }
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** Python 2's str, which may be of either. */
  textOrData(length: number): string | Uint8Array {
    const begin = this.take(length);
    try {
      return this.decoder.decode(this.bytes.subarray(begin, begin + length));
    } catch {
      return this.bytes.slice(begin, begin + length);
    }
  }

  /** A little-endian two's complement number of any length. */
  long(length: number): number | bigint {
    if (length > 255) this.fail(`an integer must have at most 255 bytes, but has ${length}`);
    if (length === 0) return 0;
    const begin = this.take(length);
    const hex = [...this.bytes.subarray(begin, begin + length)].reverse();
    const digits = hex.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const value = BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
}
