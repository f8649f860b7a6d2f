/**
 * Reads Python's pickle with a machine that builds plain containers and tensors and can do nothing else (opcodes and
 * their meaning: CPython's Lib/pickletools.py; protocols 2 to 5). A name outside the allow-list is an error, not an
 * import; time and memory are bounded whatever the file says.
 */

import { keyOf, RefusedError } from './_arguments';
import { ITEM, lookUpGlobal } from './_globals';
import { steps } from './_opcodes';
import { PickleBytes } from './_pickle_bytes';
import { buildsTensor } from './_tensor_globals';
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
  TorchTensor,
  typeName,
} from './values';

/**
 * What a pickle builds may take this many bytes for each of its own, and SLACK: a tensor takes some
 * 1500, of 100 in the file. And never more than MAX_COST.
 */
const COST_PER_BYTE = 32;
const SLACK = 2 ** 24;
const MAX_COST = 2 ** 29;
const MAX_STACK = 2 ** 20;

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

/** Bytes of an entry in the memo. */
const MEMO = 40;

/** About what a value takes, and the plain value that is made of it; its items count where they are set. */
function costOf(value: PickleValue): number {
  if (typeof value === 'string') return 40 + 2 * value.length;
  if (value instanceof Uint8Array) return 200 + value.length;
  if (value instanceof PickleTuple) return 80 + 8 * value.items.length;
  if (value instanceof TorchTensor) return 500;
  return value instanceof PickleDict || value instanceof PickleOpaque ? 400 : 200;
}

export class Unpickler extends PickleBytes {
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private cost = 0;

  constructor(
    bytes: Uint8Array,
    private readonly options: UnpickleOptions,
  ) {
    super(bytes, options.base);
  }

  run(): { value: PickleValue; length: number } {
    try {
      for (;;) {
        this.opAt = this.at;
        const op = this.bytes[this.take(1)]!;
        if (op === 0x2e) return { value: this.pop(), length: this.at }; // STOP
        const step = steps[op];
        if (!step) this.fail(`opcode 0x${op.toString(16).padStart(2, '0')} is not supported`);
        step(this);
      }
    } catch (error) {
      if (error instanceof RefusedError) return this.fail(error.message);
      throw error;
    }
  }

  push(value: PickleValue): void {
    if (this.stack.length >= MAX_STACK)
      this.fail(`more than ${MAX_STACK} values wait on the stack`);
    this.stack.push(value);
  }

  /** The same for what takes memory of its own. */
  make(value: PickleValue): void {
    this.spend(costOf(value));
    this.push(value);
  }

  spend = (bytes: number): void => {
    this.cost += bytes;
    const most = Math.min(SLACK + COST_PER_BYTE * this.at, MAX_COST);
    if (this.cost > most) this.fail(`it builds more than ${most} bytes from its first ${this.at}`);
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
    this.spend(MEMO);
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
    this.make(this.built(callee, args.items));
  }

  /** What cannot be built is opaque too where that is asked for; a tensor never is. */
  private built({ name, call }: PickleGlobal, args: readonly PickleValue[]): PickleValue {
    try {
      return call!(args, this.spend);
    } catch (error) {
      if (!(error instanceof RefusedError) || !this.options.opaque || buildsTensor(name))
        throw error;
      return new PickleOpaque(name);
    }
  }

  /** NEWOBJ_EX: a call with arguments by name, which nothing on the list takes. */
  callWithNames(): void {
    const names = this.pop();
    if (!(names instanceof PickleDict)) {
      this.fail(`arguments by name must be a dict, not ${typeName(names)}`);
    }
    this.call();
    if (names.entries.size > 0 && !(this.top() instanceof PickleOpaque)) {
      this.fail('nothing on the list takes arguments by name');
    }
  }

  /** Attributes of an object; those of a dict (a state dict's _metadata) are not kept. */
  build(): void {
    const [state, object] = [this.pop(), this.top()];
    if (object instanceof PickleOpaque) return;
    if (object instanceof PickleDict && state instanceof PickleDict) return;
    if (object instanceof PickleRecord && state instanceof PickleDict) {
      this.spend(ITEM * state.entries.size);
      for (const [key, value] of state.entries) object.attributes.entries.set(key, value);
      return;
    }
    // A tensor's are its attributes in Python; no number changes.
    if (object instanceof TorchTensor && state instanceof PickleDict) return;
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
    this.spend(8 * items.length);
    for (const item of items) list.items.push(item);
  }

  addItems(items: PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof PickleSet)) this.fail(`nothing can be added to ${typeName(set)}`);
    this.spend(ITEM * items.length);
    for (const item of items) set.items.add(keyOf(item));
  }

  setItems(items: PickleValue[]): void {
    const top = this.top();
    if (top instanceof PickleOpaque) top.items ??= new PickleDict();
    const dict = top instanceof PickleOpaque ? top.items : top;
    if (!(dict instanceof PickleDict)) this.fail(`${typeName(dict)} cannot take items`);
    if (items.length % 2 !== 0) this.fail('a key has no value');
    this.spend((ITEM * items.length) / 2);
    for (let i = 0; i < items.length; i += 2) dict.entries.set(keyOf(items[i]), items[i + 1]!);
  }

  frozenSet(): void {
    const set = new PickleSet();
    const items = this.popMark();
    this.spend(ITEM * items.length);
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
