/** Recordings of other formats: every reader, whole and in pieces of any size, names what it was given. */
import {
  DatasetError,
  readAedat2,
  readAedat31,
  readDat,
  readNMnist,
  streamAedat2,
  streamAedat31,
  streamDat,
  streamNMnist,
} from '../../datasets';
import { aedat2File, aedat31File, ascii, joinBytes, nMnistFile, pieces } from './event_files';

const data = Uint8Array.from({ length: 3000 }, (_, i) => (i * 37) & 0xff);
const header = (...lines: string[]) => ascii(`${lines.join('\n')}\n`);
const date = '% Date 2020-09-04 13:10:00';

const files: [name: string, begin: Uint8Array][] = [
  ['an AEDAT 4 file', ascii('#!AER-DAT4.0\r\n')],
  ['a Prophesee RAW (EVT 2.0) file', header(date, '% evt 2.0', '% geometry 640x480')],
  ['a Prophesee RAW (EVT 2.1) file', header(date, '% format EVT21;height=720;width=1280')],
  ['a Prophesee RAW (EVT 3.0) file', header(date, '% camera Prophesee', '% evt 3.0', '% end')],
  ['a Prophesee RAW (EVT 3.0) file', header('% format EVT3;height=720;width=1280', '% end')],
  ['a Prophesee RAW file', header(date, '% integrator_name Prophesee')],
  ['an HDF5 file', ascii('\x89HDF\r\n\x1a\n')],
  ['a ROS bag', ascii('#ROSBAG V2.0\n')],
];

const readers = {
  'AEDAT 2.0': {
    read: (bytes: Uint8Array) => readAedat2(bytes, { sensor: 'davis346' }),
    stream: (chunks: AsyncIterable<Uint8Array>) => streamAedat2(chunks, { sensor: 'davis346' }),
  },
  'AEDAT 3.1': { read: readAedat31, stream: streamAedat31 },
  'event DAT': { read: readDat, stream: streamDat },
  'N-MNIST': {
    read: (bytes: Uint8Array) => readNMnist(bytes, { sensor: 'davis346' }),
    stream: (chunks: AsyncIterable<Uint8Array>) => streamNMnist(chunks, { sensor: 'davis346' }),
  },
};

describe.each(Object.entries(readers))('%s', (what, { read, stream }) => {
  test.each(files)('refuses %s %#', async (name, begin) => {
    const message = new RegExp(
      `^an ${what} file must begin .*\\(${name}, which no reader here reads`
        .replace(/\((?=EVT)/, '\\(')
        .replace(/(?<=\d)\)(?= file)/, '\\)'),
    );
    for (const bytes of [begin, joinBytes(begin, data)]) {
      expect(() => read(bytes)).toThrow(DatasetError);
      expect(() => read(bytes)).toThrow(message);
      const all = Array.from({ length: 40 }, (_, i) => i);
      await expect(stream(pieces(bytes, all)).next()).rejects.toThrow(message);
    }
  });
});

test("each other's files", () => {
  const event = { t: 5, x: 1, y: 1, p: 0 };
  const [two, three] = [aedat2File([[0, 5]]), aedat31File([{ events: [event] }])];
  expect(() => readNMnist(two)).toThrow(/begins with '#!AER-DAT2.0' \(readAedat2 reads it\)/);
  expect(() => readNMnist(three)).toThrow(/begins with '#!AER-DAT3.1' \(readAedat31 reads it\)/);
  const dat = header(date, '% Data file containing CD events.', '% Height 720');
  expect(() => readNMnist(dat)).toThrow(/begins with '% Date 2020-09-0' \(readDat reads it\)/);
  expect(() => readAedat31(dat)).toThrow(/readDat reads it/);
  expect(() => readDat(two)).toThrow(/readAedat2 reads it/);
  expect(() => readAedat31(two)).toThrow(/readAedat2 reads it/);
  expect(() => readAedat2(three, { sensor: 'dvs128' })).toThrow(/readAedat31 reads it/);
});

test('an event whose bytes are those of % and a space is one', () => {
  const event = { t: 5, x: 0x25, y: 0x20, p: 0 };
  const { x } = readNMnist(nMnistFile([event, event]), { sensor: 'davis240' });
  expect([...x]).toEqual([0x25, 0x25]);
});
