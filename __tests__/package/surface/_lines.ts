/** The snapshot's files: one line for each declaration, its key first, sorted; and how two differ. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Declarations by key. */
export type Lines = Map<string, string>;

/** What is between a key, which has no two spaces in a row, and its declaration. */
const GAP = '  ';

export function readLines(file: string): Lines {
  if (!existsSync(file)) return new Map();
  const rows = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return new Map(
    rows.map((row) => {
      const gap = row.indexOf(GAP);
      return gap === -1 ? [row, ''] : [row.slice(0, gap), row.slice(gap + GAP.length)];
    }),
  );
}

export function writeLines(file: string, lines: Lines): void {
  const rows = [...lines].map(([key, text]) => (text === '' ? key : key + GAP + text));
  writeFileSync(
    file,
    rows
      .sort()
      .map((row) => `${row}\n`)
      .join(''),
  );
}

/** What is there now beside what was held; the rows are for people. */
export interface Difference {
  added: string[];
  removed: string[];
  changed: string[];
}

export function difference(held: Lines, now: Lines): Difference {
  const row = (key: string, text: string) => (text === '' ? key : `${key}: ${text}`);
  const added = [...now].filter(([key]) => !held.has(key)).map(([key, text]) => row(key, text));
  const removed = [...held].filter(([key]) => !now.has(key)).map(([key, text]) => row(key, text));
  const changed = [...held].flatMap(([key, before]) => {
    const after = now.get(key);
    return after === undefined || after === before
      ? []
      : [`${key}\n    was ${before}\n    is  ${after}`];
  });
  return { added: added.sort(), removed: removed.sort(), changed: changed.sort() };
}

/** What was held, with what is new; what is gone or changed stays as it was. */
export function withAdditions(held: Lines, now: Lines): Lines {
  return new Map([...now, ...held]);
}
