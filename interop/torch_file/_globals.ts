/**
 * The allow-list: every name that a PyTorch file may refer to, and what stands for it here. Nothing
 * else is built, and nothing at all is imported or run (after torch/_weights_only_unpickler.py).
 */
import { type Args, itemsOf, keyOf, refuse, type Spend, sizesOf } from './_arguments';
import { numpyGlobals } from './_numpy_globals';
import { torchGlobals } from './_tensor_globals';
import {
  PickleComplex,
  PickleDict,
  PickleGlobal,
  PickleRecord,
  PickleSet,
  PickleTuple,
  type PickleValue,
  typeName,
} from './values';

/** What an item of a dict takes, and of a set. */
export const ITEM = 100;

/** OrderedDict(), OrderedDict([(key, value), ...]), Counter({...}). */
function dict([source]: Args, spend: Spend): PickleDict {
  const result = new PickleDict();
  if (source === undefined) return result;
  if (source instanceof PickleDict) {
    spend(ITEM * source.entries.size);
    for (const [key, value] of source.entries) result.entries.set(key, value);
    return result;
  }
  const items = itemsOf(source, 'the items of a dict');
  spend(ITEM * items.length);
  for (const item of items) {
    const pair = itemsOf(item, 'an item of a dict');
    if (pair.length !== 2) refuse(`an item of a dict must be a pair, but has ${pair.length}`);
    result.entries.set(keyOf(pair[0]), pair[1]!);
  }
  return result;
}

/** defaultdict(list[, items]): what it makes of a missing key is not kept. */
function defaultdict([factory = null, source]: Args, spend: Spend): PickleDict {
  if (factory !== null && !(factory instanceof PickleGlobal)) {
    refuse(`a defaultdict must make values by a type, but has ${typeName(factory)}`);
  }
  return dict(source === undefined ? [] : [source], spend);
}

function set([source]: Args, spend: Spend): PickleSet {
  const result = new PickleSet();
  if (source === undefined) return result;
  const items = itemsOf(source, 'the items of a set');
  spend(ITEM * items.length);
  for (const item of items) result.items.add(keyOf(item));
  return result;
}

function complex([real = 0, imag = 0]: Args): PickleComplex {
  if (typeof real === 'number' && typeof imag === 'number') return new PickleComplex(real, imag);
  return refuse(`a complex must be of two numbers, but is of ${typeName(real)}, ${typeName(imag)}`);
}

function device([kind, index]: Args): string {
  if (typeof kind !== 'string') return refuse(`a device must be named, but is ${typeName(kind)}`);
  return typeof index === 'number' ? `${kind}:${index}` : kind;
}

function layout([name]: Args): string {
  if (typeof name === 'string' && /^torch\.[a-z_]{1,40}$/.test(name)) return name;
  return refuse(`a layout must be named, but is ${typeName(name)}`);
}

/** `_codecs.encode(text, 'latin1')` is how protocol 2 writes bytes. */
function encode([text, encoding]: Args, spend: Spend): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    return refuse('bytes must come as a text in latin1');
  }
  spend(text.length); // a text in the memo can be encoded again and again
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) refuse('bytes must come as a text in latin1');
    result[i] = code;
  }
  return result;
}

function bytes([data = null]: Args, spend: Spend): Uint8Array {
  if (data === null) return new Uint8Array(0);
  if (!(data instanceof Uint8Array)) return refuse(`bytes cannot be made of ${typeName(data)}`);
  spend(data.length);
  return data.slice();
}

const calls: Record<string, PickleGlobal['call']> = {
  'torch.Size': ([sizes], spend) => {
    const result = sizesOf(sizes, 'a torch.Size');
    spend(8 * result.length);
    return new PickleTuple(result);
  },
  'torch.device': device,
  'torch.serialization._get_layout': layout,
  'collections.OrderedDict': dict,
  'collections.Counter': dict,
  'collections.defaultdict': defaultdict,
  'argparse.Namespace': () => new PickleRecord(),
  'builtins.set': set,
  'builtins.complex': complex,
  'builtins.bytearray': bytes,
  'builtins.bytes': bytes,
  '_codecs.encode': encode,
};

/** Types that make a defaultdict's values; none is called. */
const types = ['bool', 'dict', 'float', 'int', 'list', 'str', 'tuple'];

const allowed = new Map<string, PickleValue>([
  ...Object.entries(calls).map(([name, call]) => [name, new PickleGlobal(name, call)] as const),
  ...types.map((name) => [`builtins.${name}`, new PickleGlobal(`builtins.${name}`)] as const),
  ...numpyGlobals,
  ...torchGlobals,
]);

/** What stands for a name; undefined where it is not on the list. Python 2's names of built-ins are known. */
export function lookUpGlobal(module: string, name: string): PickleValue | undefined {
  return allowed.get(`${module === '__builtin__' ? 'builtins' : module}.${name}`);
}
