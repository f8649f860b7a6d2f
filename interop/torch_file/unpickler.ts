/**
 * Python's pickle, read by a machine that builds plain containers and tensors and can do nothing
 * else (opcodes and their meaning: CPython's Lib/pickletools.py; protocols 2 to 5). A name outside
 * the allow-list is an error, not an import; time and memory are bounded whatever the file says.
 */

import { CheckpointError } from '../checkpoint_error';
import { keyOf, lookUpGlobal, RefusedError } from './_globals';
import {
  NumpyDtype,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleOpaque,
  PickleRecord,
  PickleSet,
  PickleTuple,
  type PickleValue,
  typeName,
} from './values';

/** The longest pickle that is read: a hundred times the largest checkpoint's. */
export const MAX_PICKLE = 2 ** 26;
/** Containers, tensors and copied items; a checkpoint has thousands. */
const MAX_OBJECTS = 2 ** 20;
const MAX_STACK = 2 ** 20;
const MAX_MEMO = 2 ** 22;

/** The pickle goes on behind the bytes at hand. */
export class PickleEndError extends Error {}

export interface UnpickleOptions {
  /** Where `bytes` begins in the file, for messages. */
  base: number;
  /** Builds what a persistent id stands for: a storage. */
  persistent(id: PickleValue): PickleValue;
  /** Whether unknown classes become opaque values. */
  opaque: boolean;
}

/** The value that a pickle at the start of `bytes` holds, and its length. */
export function unpickle(
  bytes: Uint8Array,
  options: UnpickleOptions,
): { value: PickleValue; length: number } {
  return new Unpickler(bytes, options).run();
}

class Unpickler {
  private at = 0;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private objects = 0;
  private readonly view: DataView;
  // Not made when this file is imported: jsdom and Hermes have no TextDecoder.
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private opAt = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly options: UnpickleOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): { value: PickleValue; length: number } {
    try {
      for (;;) {
        this.opAt = this.at;
        const op = this.bytes[this.take(1)]!;
        if (op === 0x2e) return { value: this.pop(), length: this.at }; // STOP
        const step = steps[op];
        if (!step)
          this.fail(`opcode 0x${op.toString(16).padStart(2, '0')} is not one of those read`);
        step(this);
      }
    } catch (error) {
      if (error instanceof RefusedError) return this.fail(error.message);
      throw error;
    }
  }

  fail(problem: string): never {
    throw new CheckpointError(`pickle: ${problem}`, this.options.base + this.opAt);
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

  /** A little-endian two's complement number of any length. */
  long(length: number): number | bigint {
    if (length > 255) this.fail(`an integer must have at most 255 bytes, but has ${length}`);
    const begin = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[begin + i]!);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  push(value: PickleValue): void {
    if (this.stack.length >= MAX_STACK)
      this.fail(`more than ${MAX_STACK} values wait on the stack`);
    this.stack.push(value);
  }

  /** The same for what takes memory of its own. */
  make(value: PickleValue): void {
    this.spend(1);
    this.push(value);
  }

  spend = (objects: number): void => {
    this.objects += objects;
    if (this.objects > MAX_OBJECTS) this.fail(`it builds more than ${MAX_OBJECTS} objects`);
  };

  private floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  pop(): PickleValue {
    if (this.stack.length <= this.floor()) this.fail('a value is missing on the stack');
    return this.stack.pop()!;
  }

  top(): PickleValue {
    if (this.stack.length <= this.floor()) this.fail('a value is missing on the stack');
    return this.stack.at(-1)!;
  }

  mark(): void {
    if (this.marks.length >= MAX_STACK) this.fail(`more than ${MAX_STACK} marks`);
    this.marks.push(this.stack.length);
  }

  popMark(): PickleValue[] {
    const begin = this.marks.pop();
    if (begin === undefined) return this.fail('a mark is missing on the stack');
    return this.stack.splice(begin);
  }

  tuple(length: number): void {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.unshift(this.pop());
    this.make(new PickleTuple(items));
  }

  put(index: number): void {
    if (this.memo.size >= MAX_MEMO) this.fail(`more than ${MAX_MEMO} values are remembered`);
    this.memo.set(index, this.top());
  }

  putNext(): void {
    this.put(this.memo.size);
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) this.fail(`no value ${index} was remembered`);
    this.push(value);
  }

  global(module: string, name: string): void {
    const value = lookUpGlobal(module, name);
    const full = `${module}.${name}`;
    if (value !== undefined) this.push(value);
    else if (this.options.opaque) this.make(new PickleOpaque(full));
    else {
      this.fail(
        `it asks for ${full}, which is not on the list of what a checkpoint may hold; nothing was ` +
          'built or run',
      );
    }
  }

  stackGlobal(): void {
    const [name, module] = [this.pop(), this.pop()];
    if (typeof module !== 'string' || typeof name !== 'string') this.fail('a name must be a text');
    if (`${module}${name}`.length > 400) this.fail('a name must have at most 400 characters');
    this.global(module, name);
  }

  /** REDUCE and NEWOBJ: both call what is on the list. */
  call(): void {
    const [args, callee] = [this.pop(), this.pop()];
    if (!(args instanceof PickleTuple))
      this.fail(`arguments must be a tuple, not ${typeName(args)}`);
    if (callee instanceof PickleOpaque) {
      this.make(new PickleOpaque(callee.className));
      return;
    }
    if (!(callee instanceof PickleGlobal) || !callee.call) {
      this.fail(`${typeName(callee)} cannot be called`);
    }
    this.make(callee.call(args.items, this.spend));
  }

  /** Attributes of an object; those of a dict (a state dict's _metadata) are not kept. */
  build(): void {
    const [state, object] = [this.pop(), this.top()];
    if (object instanceof PickleOpaque) return;
    if (object instanceof PickleDict && state instanceof PickleDict) return;
    if (object instanceof PickleRecord && state instanceof PickleDict) {
      this.spend(state.entries.size);
      for (const [key, value] of state.entries) object.attributes.entries.set(key, value);
      return;
    }
    if (object instanceof NumpyDtype && state instanceof PickleTuple) {
      object.littleEndian = state.items[1] !== '>';
      return;
    }
    this.fail(`${typeName(object)} cannot take ${typeName(state)} as its state`);
  }

  append(items: PickleValue[]): void {
    const list = this.top();
    if (list instanceof PickleOpaque) return;
    if (!(list instanceof PickleList)) this.fail(`nothing can be added to ${typeName(list)}`);
    for (const item of items) list.items.push(item);
  }

  addItems(items: PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof PickleSet)) this.fail(`nothing can be added to ${typeName(set)}`);
    this.spend(items.length);
    for (const item of items) set.items.add(keyOf(item));
  }

  setItems(items: PickleValue[]): void {
    const dict = this.top();
    if (dict instanceof PickleOpaque) return;
    if (!(dict instanceof PickleDict)) this.fail(`${typeName(dict)} cannot take items`);
    if (items.length % 2 !== 0) this.fail('a key has no value');
    this.spend(items.length / 2);
    for (let i = 0; i < items.length; i += 2) dict.entries.set(keyOf(items[i]), items[i + 1]!);
  }

  frozenSet(): void {
    const set = new PickleSet();
    const items = this.popMark();
    this.spend(items.length);
    for (const item of items) set.items.add(keyOf(item));
    this.make(set);
  }

  persistentId(): void {
    this.make(this.options.persistent(this.pop()));
  }

  protocol(): void {
    const version = this.uint8();
    if (version < 2 || version > 5) this.fail(`protocol must be 2 to 5, but is ${version}`);
  }
}

/** What each opcode does. The textual ones of protocols 0 and 1 are not read. */
const steps: Record<number, (vm: Unpickler) => void> = {
  128: (vm) => vm.protocol(), // PROTO
  149: (vm) => void vm.take(8), // FRAME
  40: (vm) => vm.mark(), // MARK
  48: (vm) => void vm.pop(), // POP
  49: (vm) => void vm.popMark(), // POP_MARK
  50: (vm) => vm.push(vm.top()), // DUP
  78: (vm) => vm.push(null), // NONE
  136: (vm) => vm.push(true), // NEWTRUE
  137: (vm) => vm.push(false), // NEWFALSE
  74: (vm) => vm.push(vm.int32()), // BININT
  75: (vm) => vm.push(vm.uint8()), // BININT1
  77: (vm) => vm.push(vm.uint16()), // BININT2
  71: (vm) => vm.push(vm.float()), // BINFLOAT
  138: (vm) => vm.push(vm.long(vm.uint8())), // LONG1
  139: (vm) => vm.push(vm.long(vm.uint32())), // LONG4
  88: (vm) => vm.make(vm.text(vm.uint32())), // BINUNICODE
  140: (vm) => vm.make(vm.text(vm.uint8())), // SHORT_BINUNICODE
  141: (vm) => vm.make(vm.text(vm.length64())), // BINUNICODE8
  // Python 2's str: text, as torch.load(encoding='utf-8') takes it.
  85: (vm) => vm.make(vm.text(vm.uint8())), // SHORT_BINSTRING
  84: (vm) => vm.make(vm.text(vm.uint32())), // BINSTRING
  67: (vm) => vm.make(vm.data(vm.uint8())), // SHORT_BINBYTES
  66: (vm) => vm.make(vm.data(vm.uint32())), // BINBYTES
  142: (vm) => vm.make(vm.data(vm.length64())), // BINBYTES8
  150: (vm) => vm.make(vm.data(vm.length64())), // BYTEARRAY8
  41: (vm) => vm.tuple(0), // EMPTY_TUPLE
  133: (vm) => vm.tuple(1), // TUPLE1
  134: (vm) => vm.tuple(2), // TUPLE2
  135: (vm) => vm.tuple(3), // TUPLE3
  116: (vm) => vm.make(new PickleTuple(vm.popMark())), // TUPLE
  93: (vm) => vm.make(new PickleList()), // EMPTY_LIST
  125: (vm) => vm.make(new PickleDict()), // EMPTY_DICT
  143: (vm) => vm.make(new PickleSet()), // EMPTY_SET
  145: (vm) => vm.frozenSet(), // FROZENSET
  97: (vm) => {
    const item = vm.pop();
    vm.append([item]);
  }, // APPEND
  101: (vm) => vm.append(vm.popMark()), // APPENDS
  115: (vm) => {
    const value = vm.pop();
    vm.setItems([vm.pop(), value]);
  }, // SETITEM
  117: (vm) => vm.setItems(vm.popMark()), // SETITEMS
  144: (vm) => vm.addItems(vm.popMark()), // ADDITEMS
  113: (vm) => vm.put(vm.uint8()), // BINPUT
  114: (vm) => vm.put(vm.uint32()), // LONG_BINPUT
  148: (vm) => vm.putNext(), // MEMOIZE
  104: (vm) => vm.get(vm.uint8()), // BINGET
  106: (vm) => vm.get(vm.uint32()), // LONG_BINGET
  99: (vm) => {
    const module = vm.line();
    vm.global(module, vm.line());
  }, // GLOBAL
  147: (vm) => vm.stackGlobal(), // STACK_GLOBAL
  82: (vm) => vm.call(), // REDUCE
  129: (vm) => vm.call(), // NEWOBJ
  98: (vm) => vm.build(), // BUILD
  81: (vm) => vm.persistentId(), // BINPERSID
};
