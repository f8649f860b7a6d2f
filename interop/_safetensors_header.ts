/**
 * The JSON header of a safetensors file, read by its own small grammar and nothing else. JSON.parse
 * would hide duplicate names, and would build whatever a hostile header describes before anyone
 * could refuse it; this reader refuses at the first byte that does not belong.
 */
import { CheckpointError } from './checkpoint_error';

/** A file, or tensors to be written, that do not follow the safetensors format. */
export class SafetensorsError extends CheckpointError {
  override name = 'SafetensorsError';
}

/** One entry, as the header states it; `begin` and `end` count from the first byte of data. */
export interface HeaderEntry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/** The whole header. */
export interface Header {
  entries: HeaderEntry[];
  metadata: Record<string, string>;
}

/** More axes than any framework supports (PyTorch and NumPy stop at 64). */
const MAX_RANK = 64;

/** A name cut to what fits in a message. */
export function quote(name: string): string {
  const text = JSON.stringify(name);
  return text.length > 80 ? `${text.slice(0, 76)}..."` : text;
}

/** Names that no tensor may have: a copy of the dictionary into a plain object would lose or misuse them. */
export function checkName(what: string, name: string): void {
  if (name === '__proto__') {
    throw new SafetensorsError(`${what} must not be named "__proto__"`);
  }
  if (/\p{Surrogate}/u.test(name)) {
    throw new SafetensorsError(`${what} must be well-formed Unicode, but got ${quote(name)}`);
  }
}

/** Parses the text of a header. Throws a SafetensorsError on anything that is not exactly one. */
export function parseHeader(text: string): Header {
  return new HeaderParser(text).header();
}

class HeaderParser {
  private at = 0;

  constructor(private readonly text: string) {}

  header(): Header {
    if (this.text[0] !== '{') this.fail("'{' as the first character");
    const entries: HeaderEntry[] = [];
    let metadata: Record<string, string> = Object.create(null);
    this.object('tensor name', (name) => {
      if (name === '__metadata__') metadata = this.metadata();
      else entries.push(this.entry(name));
    });
    this.space();
    if (this.at < this.text.length) this.fail('nothing after the closing brace');
    return { entries, metadata };
  }

  private metadata(): Record<string, string> {
    const metadata: Record<string, string> = Object.create(null);
    this.object('key of __metadata__', (key) => {
      metadata[key] = this.string();
    });
    return metadata;
  }

  private entry(name: string): HeaderEntry {
    const who = `tensor ${quote(name)}`;
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.object(`field of ${who}`, (field) => {
      if (field === 'dtype') dtype = this.string();
      else if (field === 'shape') shape = this.sizes(`shape of ${who}`, MAX_RANK);
      else if (field === 'data_offsets') offsets = this.sizes(`data_offsets of ${who}`, 2);
      else {
        throw new SafetensorsError(
          `${who} has a field ${quote(field)}; its fields are dtype, shape and data_offsets`,
        );
      }
    });
    if (dtype === undefined || shape === undefined || offsets?.length !== 2) {
      throw new SafetensorsError(`${who} must have a dtype, a shape and two data_offsets`);
    }
    return { name, dtype, shape, begin: offsets[0], end: offsets[1] };
  }

  /** `{"key": value, ...}`: `value` reads what follows each key, and no key comes twice. */
  private object(what: string, value: (key: string) => void): void {
    const seen = new Set<string>();
    this.expect('{');
    if (this.accept('}')) return;
    do {
      const key = this.string();
      checkName(`a ${what}`, key);
      if (seen.has(key)) throw new SafetensorsError(`${what} ${quote(key)} comes twice`);
      seen.add(key);
      this.expect(':');
      value(key);
    } while (this.accept(','));
    this.expect('}');
  }

  /** `[n, ...]`: at most `limit` non-negative integers. */
  private sizes(what: string, limit: number): number[] {
    const sizes: number[] = [];
    this.expect('[');
    if (this.accept(']')) return sizes;
    do {
      if (sizes.length === limit) {
        throw new SafetensorsError(`${what} must have at most ${limit} numbers, but has more`);
      }
      sizes.push(this.size(what));
    } while (this.accept(','));
    this.expect(']');
    return sizes;
  }

  private size(what: string): number {
    this.space();
    const number = /[-+\w.]{1,64}/y;
    number.lastIndex = this.at;
    const token = number.exec(this.text)?.[0] ?? '';
    const value = /^(0|[1-9]\d*)$/.test(token) ? Number(token) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      const received = token || this.received();
      throw new SafetensorsError(
        `${what} must hold integers from 0 to 2^53 - 1, but got ${received}`,
      );
    }
    this.at += token.length;
    return value;
  }

  private string(): string {
    this.space();
    if (this.text[this.at] !== '"') this.fail('a string');
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"') {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    try {
      const value: unknown = JSON.parse(this.text.slice(this.at, end + 1));
      this.at = end + 1;
      return value as string;
    } catch {
      return this.fail('a closed string of valid JSON');
    }
  }

  private space(): void {
    while (' \n\r\t'.includes(this.text[this.at] ?? 'x')) this.at++;
  }

  private accept(character: string): boolean {
    this.space();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.accept(character)) this.fail(`'${character}'`);
  }

  private received(): string {
    return this.at < this.text.length ? quote(this.text.slice(this.at, this.at + 20)) : 'its end';
  }

  private fail(expected: string): never {
    throw new SafetensorsError(
      `header must have ${expected} at character ${this.at}, but got ${this.received()}`,
    );
  }
}
