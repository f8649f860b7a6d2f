/** Pickle's opcodes, each a step of the machine in unpickler.ts. */
import type { Unpickler as Machine } from './unpickler';
import { PickleDict, PickleList, PickleSet, PickleTuple } from './values';

/** What each opcode does. The textual ones of protocols 0 and 1 are not read. */
export const steps: Readonly<Record<number, (vm: Machine) => void>> = {
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
  // Python 2's str: text, as torch.load(encoding='utf-8') takes it; or bytes, if it is none.
  85: (vm) => vm.make(vm.textOrData(vm.uint8())), // SHORT_BINSTRING
  84: (vm) => vm.make(vm.textOrData(vm.uint32())), // BINSTRING
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
  146: (vm) => vm.callWithNames(), // NEWOBJ_EX
  98: (vm) => vm.build(), // BUILD
  81: (vm) => vm.persistentId(), // BINPERSID
};
