/** Tables of Markdown, from and to text. */

/** A row's cells, without the bars around them. */
export type Row = readonly string[];

/** The tables of a page in order, each with its heading first and without the line below that. */
export function readTables(markdown: string): Row[][] {
  const tables: Row[][] = [];
  let inside = false;
  for (const line of markdown.split('\n')) {
    const row = line.startsWith('|');
    if (row && !inside) tables.push([cellsOf(line)]);
    else if (row && !/^[|\s:-]+$/.test(line)) tables.at(-1)!.push(cellsOf(line));
    inside = row;
  }
  return tables;
}

function cellsOf(line: string): Row {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** A table from its heading and its rows. */
export function writeTable(heading: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}
