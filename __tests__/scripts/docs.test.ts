/** What `npm run docs` generates, and what it finds broken. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brokenLinks } from '../../scripts/docs/_check_links';
import { recipesPage } from '../../scripts/docs/_recipes_page';
import { statusOf, statusPage } from '../../scripts/docs/_status_page';
import { readTables, writeTable } from '../../scripts/docs/_tables';
import { parseRecipe } from '../../training/parse_recipe';
import { root } from '../support/process';

const text = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

describe('tables', () => {
  const rows = [
    ['a', 'b'],
    ['1', 'x \\| y'],
    ['2', ''],
  ];

  test('are read as they are written', () => {
    const table = writeTable(rows[0]!, rows.slice(1));
    expect(readTables(`words\n\n${table}\n\nwords\n\n${table}\n`)).toEqual([rows, rows]);
  });
});

describe('status', () => {
  test.each([
    ['native, SIMD', 'works'],
    ['stock products', 'works'],
    ['yes', 'works'],
    ['composed of native products', 'falls back'],
    ['needs hardware: a GPU', 'needs hardware'],
    ['not there: for browsers', 'not there'],
    ['no', 'not there'],
  ])('%s: %s', (cell, status) => {
    expect(statusOf(cell)).toBe(status);
  });

  test.each(['', 'nothing', 'maybe', 'nativeish'])("'%s' has none", (cell) => {
    expect(() => statusOf(cell)).toThrow(`but got '${cell}'`);
  });

  const features = (row: string) =>
    `| what | cpu | wasm | gpu |\n|---|---|---|---|\n${row}\n\n| | |\n|---|---|\n| files | in and out. Not supported: zip |\n`;

  test('of each backend, with its words, and what is excluded in a column', () => {
    const page = statusPage(features('| `Layer` | composed | the same | the same |'));
    const badge = '<span class="status falls-back">falls back</span> composed';
    const [status, others] = readTables(page);
    expect(status).toEqual([
      ['what', 'cpu', 'wasm', 'gpu'],
      ['`Layer`', badge, badge, badge],
    ]);
    expect(others).toEqual([
      ['feature', 'works', 'not there'],
      ['files', 'in and out', 'zip'],
    ]);
  });

  test('a status word is not repeated', () => {
    const page = statusPage(features('| a | works | not there: none | native |'));
    expect(readTables(page)[0]![1]).toEqual([
      'a',
      '<span class="status works">works</span>',
      '<span class="status not-there">not there</span> none',
      '<span class="status works">works</span> native',
    ]);
  });

  test('a row that is too short is named', () => {
    expect(() => statusPage(features('| a | native |'))).toThrow('must have 4 cells, but got 2: a');
  });

  test("FEATURES.md's rows all have one, of every kind", () => {
    const page = statusPage(text('FEATURES.md'));
    for (const kind of ['works', 'falls-back', 'needs-hardware', 'not-there']) {
      expect(readTables(page)[0]!.flat().join()).toContain(`"status ${kind}"`);
    }
  });
});

test('recipes, by data set, with their figures', () => {
  const recipes = ['mnist-tiny', 'cifar10-4-256'].map((name) =>
    parseRecipe(text('recipes', `${name}.yaml`), name),
  );
  const page = recipesPage(recipes);
  expect([...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
    'CIFAR-10',
    'MNIST',
  ]);
  expect(readTables(page).map(([, row]) => row)).toEqual([
    [
      ...['`cifar10-4-256`', '`spikingformer-4-256-cifar10`'],
      ...['4', '300 + 10', '64', '4,152,106', '94.94 %'],
    ],
    ['`mnist-tiny`', 'spikingformer, depth 1, 64 channels', '2', '3', '32', '112,834', ''],
  ]);
});

describe('links', () => {
  let site: string;
  const write = (file: string, html: string) => {
    mkdirSync(dirname(join(site, file)), { recursive: true });
    writeFileSync(join(site, file), html);
  };
  beforeEach(() => {
    site = mkdtempSync(join(tmpdir(), 'spikingformer-site-'));
    write('sub/page.html', '<h2 id="part">Part</h2> <a href="../index.html">home</a>');
    write('assets/icons.svg', '<symbol id="icon"/>');
  });
  afterEach(() => rmSync(site, { recursive: true }));

  test('of any kind that lead somewhere', () => {
    write(
      'index.html',
      `<a href="sub/page.html">1</a> <a href="sub/page.html#part">2</a> <a href="#top">3</a>
       <use href="assets/icons.svg#icon"/> <h1 id="top">Top</h1> <img src="data:image/png;base64,AA">
       <a href="https://example.com/nowhere">4</a> <script src="assets/icons.svg?v=1"></script>`,
    );
    expect(brokenLinks(site)).toEqual([]);
  });

  test.each([
    ['a file', 'href="nowhere.html"', 'nowhere.html'],
    ['a folder', 'href="sub"', 'sub'],
    ['a picture', 'src="nowhere.png"', 'nowhere.png'],
    ['an anchor of the page', 'href="#nowhere"', '#nowhere'],
    ['an anchor of another', 'href="sub/page.html#nowhere"', 'sub/page.html#nowhere'],
    ['an icon', 'href="assets/icons.svg#nowhere"', 'assets/icons.svg#nowhere'],
  ])('%s that is not there', (_, attribute, link) => {
    write('index.html', `<a ${attribute}>x</a>`);
    expect(brokenLinks(site)).toEqual([`index.html: ${link}`]);
  });
});
