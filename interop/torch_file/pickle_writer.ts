/**
 * Python's pickle, written: protocol 2, with the names that torch.load(weights_only=True) allows and
 * no others. Values are what readTorchCheckpoint returns: records, Maps, arrays, Sets, tensors.
 */
import { CheckpointError } from '../checkpoint_error';
import { checkTensor } from '../safetensors';
import {
  dtypeNames,
  isDtype,
  type StateDictLike,
  type StateTensor,
  type StateTensorLike,
} from '../state_dict';
import { storageNames } from './_tensor_globals';

/** Deeper than any checkpoint; what holds itself is refused here. */
const MAX_DEPTH = 100;

/** An ordered dict of tensors, as a module's state_dict() is, with what is none behind them. */
export class OrderedTensors {
  constructor(
    readonly tensors: StateDictLike,
    readonly extraState: Readonly<Record<string, unknown>> = {},
  ) {}
}

/** Writes one value; its tensors' numbers go to `storages`, in the order of their keys 0, 1, ... */
export class PickleWriter {
  readonly storages: StateTensor[] = [];
  private readonly parts: Uint8Array[] = [];

  /** The whole pickle. */
  write(value: unknown): Uint8Array<ArrayBuffer> {
    this.op(0x80, 2);
    this.value(value, 'the checkpoint', 0);
    this.op(0x2e);
    const result = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }

  private op(...bytes: number[]): void {
    this.parts.push(Uint8Array.from(bytes));
  }

  private value(value: unknown, where: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new CheckpointError(`${where} lies more than ${MAX_DEPTH} deep`);
    if (value === null || value === undefined) this.op(0x4e);
    else if (typeof value === 'boolean') this.op(value ? 0x88 : 0x89);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'bigint') this.long(value);
    else if (typeof value === 'string') this.text(value, where);
    else if (value instanceof OrderedTensors) this.orderedTensors(value, where, depth);
    else if (Array.isArray(value)) this.list(value, where, depth);
    else if (value instanceof Set) this.set(value, where, depth);
    else if (value instanceof Uint8Array) this.bytes(value);
    else if (isTensor(value)) this.tensor(where, value);
    else if (value instanceof Map) this.dict([...value], where, depth);
    else if (isRecord(value)) this.dict(Object.entries(value), where, depth);
    else {
      throw new CheckpointError(
        `${where} must be a text, a number, true or false, null, bytes, an array, a record, a Map, a Set or ` +
          `a tensor of dtype ${dtypeNames.join(', ')}, but is ${typeof value}`,
      );
    }
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0 && value < 256) this.op(0x4b, value);
      else if (value === (value | 0)) this.wide(0x4a, 4, (view) => view.setInt32(1, value, true));
      else this.long(BigInt(value));
    } else this.wide(0x47, 8, (view) => view.setFloat64(1, value, false));
  }

  private wide(op: number, bytes: number, fill: (view: DataView) => void): void {
    const part = new Uint8Array(1 + bytes);
    part[0] = op;
    fill(new DataView(part.buffer));
    this.parts.push(part);
  }

  private long(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    do {
      bytes.push(Number(BigInt.asUintN(8, rest)));
      rest >>= 8n;
    } while (!(rest === (value < 0n ? -1n : 0n) && bytes.at(-1)! >> 7 === (value < 0n ? 1 : 0)));
    if (bytes.length > 255) throw new CheckpointError('an integer must have at most 255 bytes');
    this.op(0x8a, bytes.length, ...bytes);
  }

  private text(text: string, where: string): void {
    if (/\p{Surrogate}/u.test(text)) {
      throw new CheckpointError(`${where} must be well-formed Unicode`);
    }
    const bytes = new TextEncoder().encode(text);
    this.wide(0x58, 4, (view) => view.setUint32(1, bytes.length, true));
    this.parts.push(bytes);
  }

  /** Protocol 2 has no bytes: they go as the text of their codes. */
  private bytes(bytes: Uint8Array): void {
    this.global('_codecs', 'encode');
    this.op(0x28);
    this.text(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''), 'bytes');
    this.text('latin1', '');
    this.op(0x74, 0x52);
  }

  private global(module: string, name: string): void {
    this.parts.push(new TextEncoder().encode(`c${module}\n${name}\n`));
  }

  private list(items: readonly unknown[], where: string, depth: number): void {
    this.op(0x5d, 0x28);
    for (const [i, item] of items.entries()) this.value(item, `${where}[${i}]`, depth + 1);
    this.op(0x65);
  }

  private set(items: ReadonlySet<unknown>, where: string, depth: number): void {
    this.global('__builtin__', 'set');
    this.list([...items], where, depth);
    this.op(0x85, 0x52);
  }

  private dict(entries: readonly [unknown, unknown][], where: string, depth: number): void {
    this.op(0x7d, 0x28);
    for (const [key, value] of entries) {
      if (typeof key === 'object' && key !== null && !Array.isArray(key)) {
        throw new CheckpointError(`a key in ${where} must be a text or a number`);
      }
      if (Array.isArray(key)) this.tuple(key);
      else this.value(key, `a key in ${where}`, depth + 1);
      this.value(value, `${where}.${String(key).slice(0, 60)}`, depth + 1);
    }
    this.op(0x75);
  }

  private tuple(items: readonly unknown[]): void {
    this.op(0x28);
    for (const item of items) this.value(item, 'a tuple', 0);
    this.op(0x74);
  }

  private orderedTensors(
    { tensors, extraState }: OrderedTensors,
    where: string,
    depth: number,
  ): void {
    this.global('collections', 'OrderedDict');
    this.op(0x29, 0x52, 0x28);
    for (const [name, tensor] of Object.entries(tensors)) {
      this.text(name, `a name in ${where}`);
      this.tensor(name, tensor);
    }
    for (const [name, value] of Object.entries(extraState)) {
      if (Object.hasOwn(tensors, name))
        throw new CheckpointError(`${name} is a tensor of ${where}, too`);
      this.text(name, `a name in ${where}`);
      this.value(value, name, depth + 1);
    }
    this.op(0x75);
  }

  private tensor(name: string, given: StateTensorLike): void {
    const tensor = checkTensor(name, given);
    const { shape, dtype, data } = tensor;
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, n) => a * n, 1));
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.op(0x28, 0x28);
    this.text('storage', '');
    this.global('torch', storageNames[dtype]);
    this.text(String(this.storages.length), '');
    this.text('cpu', '');
    this.number(data.length);
    this.op(0x74, 0x51); // a tuple; what its persistent id stands for
    this.number(0);
    this.tuple(shape);
    this.tuple(strides);
    this.op(0x89);
    this.global('collections', 'OrderedDict');
    this.op(0x29, 0x52, 0x74, 0x52);
    this.storages.push(tensor);
  }
}

function isTensor(value: unknown): value is StateTensor {
  const { shape, dtype, data } = value as Partial<StateTensor>;
  return Array.isArray(shape) && isDtype(dtype) && ArrayBuffer.isView(data);
}

/** Made by `{}` or without prototype; no class instance, whose meaning would be lost. */
function isRecord(value: unknown): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
