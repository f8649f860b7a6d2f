/** The text at the head of AEDAT files: lines that begin with `#`, in bytes that may come in pieces. */
import { wrongBeginning } from './_foreign_events';
import { DatasetError } from './dataset_error';

/** Longest line that is still taken for text; jAER's preferences have about a thousand. */
const LONGEST = 2 ** 16;

/** A record of 8 bytes may hold the end of a shorter line. */
const SHORTEST = 8;

/** The next header line and where it ends; or that there is none; or that it is not all there. */
export type HeaderLine = { text: string; end: number } | 'data' | 'incomplete';

export class AedatHeader {
  /** Lines so far, without their line ends. */
  readonly lines: string[] = [];
  /** Bytes of the line at hand that are known to hold no line end. */
  private scanned = 0;
  private readonly decoder = new TextDecoder('latin1');
  /** Whether the first line ends with carriage return and line feed. */
  private crlf = true;

  constructor(private readonly version: string) {}

  /**
   * The line that begins at `start`. A record that begins with the byte of `#` is told from a line
   * by the control bytes that text has none of: the low byte of a DAVIS address is 0. One that begins
   * as an empty line, `#` and a line feed, by an end of line that is not the other lines'.
   */
  next(bytes: Uint8Array, start: number): HeaderLine {
    if (start >= bytes.length) return 'incomplete';
    if (bytes[start] !== 0x23) return this.data(bytes, start);
    let end = start + this.scanned;
    const limit = Math.min(bytes.length, start + LONGEST);
    while (end < limit && bytes[end] !== 0x0a) {
      if (isControl(bytes[end])) return this.data(bytes, start);
      end++;
    }
    if (end - start === LONGEST) {
      throw new DatasetError(
        `a header line of an AEDAT file must be shorter than ${LONGEST} bytes, but line ` +
          `${this.lines.length} is longer`,
      );
    }
    if (end === bytes.length) {
      this.scanned = end - start;
      return 'incomplete';
    }
    const crlf = bytes[end - 1] === 0x0d;
    if (this.lines.length === 0) this.crlf = crlf;
    else if (crlf !== this.crlf && end - start < SHORTEST) return this.data(bytes, start);
    this.scanned = 0;
    const text = this.decoder.decode(bytes.subarray(start, end)).replace(/\r$/, '');
    if (this.lines.length === 0 && text !== `#!AER-DAT${this.version}`) {
      throw this.wrongMagic(bytes.subarray(start));
    }
    this.lines.push(text);
    return { text, end: end + 1 };
  }

  private data(bytes: Uint8Array, start: number): 'data' {
    this.scanned = 0;
    if (this.lines.length === 0) throw this.wrongMagic(bytes.subarray(start));
    return 'data';
  }

  /** Throws where the file ends inside the first line, or inside any. */
  end(rest: number): void {
    if (this.lines.length === 0 || rest > 0) {
      throw new DatasetError(
        `the header of an AEDAT file must be whole, but the file ends in line ${this.lines.length}`,
      );
    }
  }

  private wrongMagic(bytes: Uint8Array): DatasetError {
    const { version } = this;
    const line = `an AEDAT ${version} file must begin with the line '#!AER-DAT${version}'`;
    return wrongBeginning(line, bytes);
  }
}

/** Bytes that no text has: all below the space but tab, line feed and carriage return. */
function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d;
}
