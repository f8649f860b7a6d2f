/** Metrics, event files and reports: what others read of a run. */
import { crc32c, maskedCrc32c } from '../../training/_crc32c';
import { curvesSvg } from '../../training/curves';
import { epochHeader, epochRow, stepHeader, stepRow } from '../../training/metrics';
import type { EpochReport } from '../../training/observer';
import { reportHtml } from '../../training/report';
import { fileVersionRecord, scalarsRecord, sessionStartRecord } from '../../training/tensorboard';

const ascii = (text: string) => new TextEncoder().encode(text);

const epoch: EpochReport = {
  epoch: 2,
  epochs: 5,
  step: 30,
  learningRate: 1e-3,
  trainLoss: 1.25,
  trainAccuracy: 0.5,
  testLoss: 1.5,
  testAccuracy: 0.25,
  testTop5: 0.75,
  averageAccuracy: null,
  firingRates: { 'a/lif': 0.25, 'b,"/lif': 0.75 },
  dead: ['b,"/lif', 'c'],
  saturated: [],
  seconds: 1.5,
  samplesPerSecond: 20,
};

describe('TensorBoard', () => {
  // RFC 3720, B.4, and the usual check value.
  test('CRC-32C', () => {
    expect(crc32c(ascii('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  /** The messages of a file, their checksums compared. */
  function records(file: Uint8Array): Uint8Array[] {
    const found: Uint8Array[] = [];
    const view = new DataView(file.buffer, file.byteOffset);
    for (let at = 0; at < file.length; ) {
      const length = Number(view.getBigUint64(at, true));
      expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(file.subarray(at, at + 8)));
      const message = file.subarray(at + 12, at + 12 + length);
      expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(message));
      found.push(message);
      at += 16 + length;
    }
    return found;
  }

  test('records hold version, start and scalars, as protocol buffers write them', () => {
    const [version] = records(fileVersionRecord(0));
    // 1: double 0; 3: 'brain.Event:2'
    expect([...version!]).toEqual([9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13, ...ascii('brain.Event:2')]);
    const [start] = records(sessionStartRecord(300, 0));
    expect([...start!].slice(9)).toEqual([16, 0xac, 0x02, 58, 2, 8, 1]); // 2: 300; 7: {1: 1}
    const [scalars] = records(scalarsRecord({ a: 1, b: null, c: Number.NaN }, 5, 0));
    // 2: 5; 5: {1: {1: 'a', 2: float 1}}; what is no number is left out
    expect([...scalars!].slice(9)).toEqual([16, 5, 42, 10, 10, 8, 10, 1, 97, 21, 0, 0, 128, 63]);
  });
});

test('CSV: a header, a row, names quoted where they must be', () => {
  expect(epochHeader.split(',').slice(0, 3)).toEqual(['epoch', 'step', 'learningRate']);
  expect(epochRow(epoch)).toBe('2,30,0.001,1.25,0.5,1.5,0.25,0.75,,1.5,20,0.5,"b,""/lif c",\n');
  expect(stepHeader).toBe('step,epoch,learningRate,loss,accuracy\n');
  const step = { step: 3, epoch: 0, learningRate: 0.1, loss: 1 / 3, accuracy: 0.5 };
  expect(stepRow(step as never)).toBe('3,0,0.1,0.3333333,0.5\n');
});

describe('the report', () => {
  const evil = `<script>alert(1)</script>"'&`;
  const html = reportHtml({
    title: evil,
    facts: { [evil]: evil },
    history: [{ ...epoch, firingRates: { [evil]: 0.5 }, dead: [evil], saturated: [evil] }],
    classNames: [evil, 'b'],
    evaluation: {
      samples: 4,
      loss: 1,
      accuracy: 0.5,
      top5: 1,
      confusion: [
        [1, 1],
        [1, 1],
      ],
    },
    samples: [{ picture: `x" onerror="alert(1)`, label: evil, prediction: 'b', probability: 0.5 }],
    published: { name: evil, points: [[0, 10]], dashed: true },
    recipe: evil,
  });

  test('escapes whatever a file or a class is called', () => {
    expect(html).not.toContain('<script>');
    expect(html).not.toMatch(/<[^>]*"[^"]*" onerror=/);
    expect(html.split('&lt;script&gt;').length).toBeGreaterThan(9);
    expect(html).toContain(`default-src 'none'`);
  });

  test('has curves, confusion, rates, samples, warnings', () => {
    for (const part of [
      'Curves',
      'Confusion',
      'Firing rates',
      'Held-out samples',
      'Dead layers',
      'Saturated layers',
      'Epochs',
      'Recipe',
    ]) {
      expect(html).toContain(part);
    }
    expect(html.match(/<svg /g)).toHaveLength(3);
  });

  test('many classes: the pairs most often confused, not a table of all', () => {
    const classNames = Array.from({ length: 40 }, (_, i) => `class ${i}`);
    const confusion = classNames.map((_, i) =>
      classNames.map((__, j) => (i === 3 && j === 7 ? 5 : 0)),
    );
    const evaluation = { samples: 5, loss: 1, accuracy: 0, top5: 0, confusion };
    const many = reportHtml({ title: 't', facts: {}, history: [], classNames, evaluation });
    expect(many).toContain('<td>class 3</td><td>class 7</td><td>5</td>');
    expect(many).not.toContain('class="confusion"');
  });
});

test('people read epochs from 1, in tables and in curves', () => {
  const html = reportHtml({ title: 't', facts: {}, history: [epoch], classNames: ['a', 'b'] });
  expect(html).toContain('<th>epoch</th>');
  expect(html).toContain('<tr><td>3</td><td>0.001000</td>');
  // The authors' log, after their epochs 0, 4 and 9.
  const chart = curvesSvg('t', [
    {
      name: 'authors',
      points: [
        [0, 20],
        [4, 40],
        [9, 60],
      ],
    },
  ]);
  const svg = chart.toString();
  expect(svg).toMatch(/<title>authors, 1: 20<.*<title>authors, 5: 40<.*<title>authors, 10: 60</s);
  expect(svg.match(/text-anchor="middle" class="soft">\w+/g)!.map((t) => t.split('>')[1])).toEqual([
    '2',
    '4',
    '6',
    '8',
    '10',
    'epoch',
  ]);
  expect(html + svg).not.toContain('from 0');
});

test('curves: empty, one point, NaN', () => {
  for (const points of [
    [],
    [[1, 5]],
    [
      [0, 1],
      [1, Number.NaN],
      [2, 3],
    ],
  ] as [number, number][][]) {
    const svg = curvesSvg('t', [{ name: 'n', points }]).toString();
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});
