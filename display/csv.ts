/** Comma-separated values (RFC 4180): lines end with a newline, and quotes enclose what needs them. */

export type Cell = string | number | null;

function cellText(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line, its end included; null is an empty cell. */
export const csvLine = (cells: readonly Cell[]) => `${cells.map(cellText).join(',')}\n`;

/** The records of a text, by the names in its first line; a record of fewer cells has empty ones. */
export function parseCsv(text: string): Record<string, string>[] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? bare ?? '');
    if (end === ',') continue;
    if (record.length > 1 || record[0] !== '') records.push(record);
    record = [];
  }
  const [header = [], ...rest] = records;
  return rest.map((cells) => Object.fromEntries(header.map((name, i) => [name, cells[i] ?? ''])));
}
