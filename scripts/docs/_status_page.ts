/**
 * The page of what works where: the tables of FEATURES.md, each cell of its backends under one of four words, and
 * what it excludes in a column of its own.
 */
import { type Row, readTables, writeTable } from './_tables';

/** A feature on a backend. */
export type Status = 'works' | 'falls back' | 'needs hardware' | 'not there';

/** How a cell of FEATURES.md begins, by its status. */
const BEGINNINGS: readonly (readonly [RegExp, Status])[] = [
  [/^(works|native|stock|yes)\b/, 'works'],
  [/^(falls back|composed)\b/, 'falls back'],
  [/^needs hardware\b/, 'needs hardware'],
  [/^(not there|no)\b/, 'not there'],
];

const EXCLUDED = /\s*\bNot (?:supported|included|possible): /;

/**
 * The status that a cell of FEATURES.md's first table states.
 *
 * @throws if the cell begins with none of the words that have a status
 */
export function statusOf(cell: string): Status {
  const found = BEGINNINGS.find(([beginning]) => beginning.test(cell));
  if (!found) {
    throw new Error(
      'a cell of FEATURES.md must begin with native, stock, yes, works, composed, falls back, needs hardware, ' +
        `not there or no, but got '${cell}'`,
    );
  }
  return found[1];
}

/** A feature's row: a status and FEATURES.md's own words for every backend. */
function statusRow([feature, ...cells]: Row): Row {
  const full: string[] = [];
  for (const cell of cells) full.push(cell === 'the same' ? full.at(-1)! : cell);
  return [
    feature!,
    ...full.map((cell) => {
      const status = statusOf(cell);
      const rest = cell.startsWith(status)
        ? cell.slice(status.length).replace(/^[:,]?\s*/, '')
        : cell;
      const badge = `<span class="status ${status.replace(' ', '-')}">${status}</span>`;
      return rest ? `${badge} ${rest}` : badge;
    }),
  ];
}

/** A feature that does not depend on the backend: what there is, and what it excludes. */
function featureRow([feature, text]: Row): Row {
  const [there, ...excluded] = text!.split(EXCLUDED);
  return [feature!, there!.replace(/[.;]$/, ''), excluded.join(' ').replace(/\.$/, '')];
}

/**
 * The page's Markdown.
 *
 * @param features the text of FEATURES.md
 * @throws if its first table has a row of another length than its heading, or a cell without a status
 */
export function statusPage(features: string): string {
  const [[heading, ...rows], [, ...others]] = readTables(features) as [Row[], Row[]];
  for (const row of rows) {
    if (row.length !== heading!.length) {
      throw new Error(
        `a row of FEATURES.md must have ${heading!.length} cells, but got ${row.length}: ${row[0]}`,
      );
    }
  }
  return `# Status

What works on which backend.

- <span class="status works">works</span>: by a kernel of this library or of TensorFlow.js.
- <span class="status falls-back">falls back</span>: in the composed form, with the same results but more slowly.
- <span class="status needs-hardware">needs hardware</span>: written and compiled, but not yet run where it belongs.
- <span class="status not-there">not there</span>.

${writeTable(heading!, rows.map(statusRow))}

On every backend:

${writeTable(['feature', 'works', 'not there'], others.map(featureRow))}

More, and what CI proves of it: [Features](../../FEATURES.md).
`;
}
