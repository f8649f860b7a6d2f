/** Hostile pickles in checkpoints: a typed error each, in bounded memory, and nothing runs. */
import { readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { refused } from '../support/hostile_checkpoints';
import {
  archive,
  besideWeights,
  bytes,
  call,
  long,
  pickleOf,
  tensor,
  text,
  uint32,
} from '../support/pickles';
import { runScript } from '../support/process';

const beside = (value: Uint8Array | string) => besideWeights('meta', value);

describe('pickles', () => {
  const hostile: [what: string, pickle: Uint8Array, message: RegExp][] = [
    [
      'os.system',
      pickleOf(call('os.system', 'id')),
      /asks for os\.system, which is not on the list/,
    ],
    ['posix.system', pickleOf(call('posix.system', 'id')), /posix\.system/],
    ['eval', pickleOf(call('builtins.eval', '1')), /builtins\.eval/],
    ["Python 2's eval", pickleOf(call('__builtin__.eval', '1')), /__builtin__\.eval/],
    ['getattr', pickleOf(call('builtins.getattr', 'x')), /builtins\.getattr/],
    ['a name of Object', pickleOf('c__proto__\nconstructor\n)R'), /__proto__\.constructor/],
    [
      'a name from the stack',
      pickleOf(bytes(text('subprocess'), text('Popen'), 0x93, ')R')),
      /subprocess\.Popen/,
    ],
    ['a call beside the weights', beside(call('os.system', 'id')), /os\.system/],
    ['NEWOBJ of a stranger', pickleOf(bytes('csocket\nsocket\n)', 0x81)), /socket\.socket/],
    ['INST', pickleOf('(ios\nsystem\n'), /opcode 0x69/],
    ['OBJ', pickleOf('(o'), /opcode 0x6f/],
    ['an extension', pickleOf(bytes(0x82, 1)), /opcode 0x82/],
    ['NEWOBJ_EX', pickleOf(bytes('))}', 0x92)), /tuple cannot be called/],
    [
      'arguments by name',
      pickleOf(bytes('ccollections\nOrderedDict\n)}', text('a'), 'Ns', 0x92)),
      /takes arguments by name/,
    ],
    ['a textual opcode', pickleOf('I1\n'), /opcode 0x49/],
    ['a call of a number', pickleOf('K\x01)R'), /int cannot be called/],
    ['a call of a dtype', pickleOf('ctorch\nfloat32\n)R'), /dtype cannot be called/],
    [
      'arguments that are no tuple',
      pickleOf('ccollections\nOrderedDict\n]R'),
      /must be a tuple, not list/,
    ],
    ['a tensor of a tuple', pickleOf('ctorch._utils\n_rebuild_tensor_v2\n)R'), /storage must be/],
    [
      'another rebuild function in a subclass',
      pickleOf(
        bytes('ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\nOrderedDict\nN)Nt', 'R'),
      ),
      /torch's own functions/,
    ],
    ['state of a list', pickleOf(']}b'), /list cannot take dict/],
    ['a protocol of the future', bytes(0x80, 9, '}.'), /protocol must be 2 to 5, but is 9/],
    ['nothing', bytes(0x80, 2), /cut short/],
    ['no STOP', bytes(0x80, 2, '}'), /cut short/],
    ['an empty stack', bytes(0x80, 2, '.'), /missing on the stack/],
    ['no mark', pickleOf('u'), /a mark is missing/],
    ['a value below the mark', pickleOf('(0'), /missing on the stack/],
    ['a memory that is not there', pickleOf('h\x07'), /no value 7/],
    ['a text of 4 GB', pickleOf(bytes('X', uint32(0xffffffff))), /at most \d+ bytes/],
    [
      'a text of 2^64 bytes',
      pickleOf(bytes(0x8d, new Uint8Array(8).fill(255))),
      /at most \d+ bytes/,
    ],
    ['a text past the end', pickleOf(bytes('X', uint32(1000))), /cut short/],
    ['invalid UTF-8', pickleOf(bytes('X', uint32(1), 0xff)), /UTF-8/],
    ['an integer of a megabyte', pickleOf(bytes(0x8b, uint32(2 ** 20))), /at most 255 bytes/],
    ['a key without value', pickleOf('}(K\x01u'), /a key has no value/],
    ['a list as a key', pickleOf('}]Ns'), /a key must be/],
    ['a long name', pickleOf(`c${'a'.repeat(1000)}\nb\n`), /200 characters/],
    ['a list that holds itself', beside(bytes(']q\x05h\x05a')), /a list holds itself/],
    [
      'a dict that holds itself',
      beside(bytes('}q\x05', text('k'), 'h\x05s')),
      /a dict holds itself/,
    ],
    ['a tuple within itself by a list', beside(bytes(']q\x05(h\x05ta')), /holds itself/],
    [
      'lists a million deep',
      beside(bytes(']'.repeat(1e6), 'a'.repeat(1e6 - 1))),
      /builds more than \d+ bytes/,
    ],
    [
      'tuples 10000 deep',
      beside(bytes('N', new Uint8Array(10_000).fill(0x85))),
      /more than 100 deep/,
    ],
    ['marks without end', beside('('.repeat(2e6)), /marks/],
    ['values without end', beside('N'.repeat(2e6)), /on the stack/],
    ['five million dicts', beside('}0'.repeat(5e6)), /builds more than \d+ bytes/],
    [
      'a billion laughs',
      beside(
        bytes(
          ']q\x000',
          ...Array.from({ length: 40 }, (_, i) =>
            bytes('](', ...Array(10).fill(bytes('h', i)), 'eq', i + 1, '0'),
          ),
          'h\x28',
        ),
      ),
      /stand for more than/,
    ],
    [
      'one list made a set again and again',
      beside(
        bytes(
          '](',
          ...Array.from({ length: 5000 }, (_, i) => bytes('M', i & 255, i >> 8)),
          'eq\x00',
          ...Array(5000).fill(bytes('cbuiltins\nset\nh\x00', 0x85, 'R0')),
        ),
      ),
      /builds more than \d+ bytes/,
    ],
    [
      'one text made bytes again and again',
      beside(
        bytes(
          text('x'.repeat(1e6)),
          'q\x00',
          ...Array(2000).fill(bytes('c_codecs\nencode\n(h\x00', text('latin1'), 'tR0')),
        ),
      ),
      /builds more than \d+ bytes/,
    ],
    ['__proto__ as a tensor', pickleOf(tensor(), text('__proto__')), /__proto__/],
    ['__proto__ in meta', beside(bytes('}', text('__proto__'), 'Ns')), /__proto__/],
    ['a list for a checkpoint', bytes(0x80, 2, '].'), /must hold tensors.*it holds nothing/],
    ['a number for a checkpoint', bytes(0x80, 2, 'K\x07.'), /must be a dict, but is int/],
    ['an empty dict', bytes(0x80, 2, '}.'), /it holds nothing/],
    [
      'a number among the weights',
      bytes(0x80, 2, '}', text('state_dict'), '}', text('a'), 'Nss.'),
      /a must be a tensor, but is None/,
    ],
    ['no weights', pickleOf('N'), /must hold tensors.*holds a/],
  ];
  test.each(hostile)('%s', (_, pickle, message) => {
    refused(archive(pickle), message);
  });

  test('the error says where', () => {
    const error = refused(archive(pickleOf(call('os.system', 'id'))), /at byte \d+/);
    expect(error.offset).toBeGreaterThan(64);
  });
});

test('a pickle takes memory by its length, whatever it builds', () => {
  // Five megabytes each: tensors that share one size of 64 axes, dicts, names in the memo. A heap of 60 MB
  // holds what may be built of them; without the account that the unpickler keeps they fill one of 300.
  const script = `
    import { readTorchCheckpoint } from './interop/torch_checkpoint';
    import { archive, bytes, text, long, uint32 } from './__tests__/support/pickles';
    const join = (...parts) => {
      const all = parts.map((part) => (part instanceof Uint8Array ? part : bytes(part)));
      const result = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of all) { result.set(part, at); at += part.length; }
      return result;
    };
    const many = (part) => {
      const result = new Uint8Array(part.length * Math.floor(5e6 / part.length));
      for (let at = 0; at < result.length; at += part.length) result.set(part, at);
      return result;
    };
    const sizes = bytes('(', ...Array(64).fill('K\\x01'), 't');
    const storage = bytes('(', text('storage'), 'ctorch\\nFloatStorage\\n', text('0'), text('cpu'), long(2n), 'tQ');
    const begin = join(0x80, 2, 'ctorch._utils\\n_rebuild_tensor_v2\\nq\\x000', sizes, 'q\\x010', storage, 'q\\x020');
    const build = bytes('h\\x00(h\\x02K\\x00h\\x01h\\x01', 0x89, 'NtR');
    for (const part of [bytes(build, 'a'), bytes('}a'), bytes('Na'), bytes('K\\x07a'), bytes('h\\x01a')]) {
      const pickle = join(begin, '}(', text('a'), ']', many(part), text('w'), build, 'u.');
      const file = archive(pickle);
      try { readTorchCheckpoint(file); } catch {}
    }
    console.log('done');`;
  const heap = { NODE_OPTIONS: '--max-old-space-size=100' };
  const { status, stdout, stderr } = runScript(script, [], heap);
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: 'done\n' });
});

test('an integer of eight bytes', () => {
  const { meta } = readTorchCheckpoint(archive(beside(long(2n ** 60n))));
  expect(meta.meta).toBe(2n ** 60n);
});
