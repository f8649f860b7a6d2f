/** Text in lines that fit an old terminal. */
import { Help } from 'commander';

export const COLUMNS = 80;

/** A name, with its description next to it on as many lines as needed. */
export function beside(name: string, width: number, text: string): string {
  const lines = new Help().boxWrap(text, COLUMNS - width - 2).split('\n');
  return lines.map((line, i) => `${(i === 0 ? name : '').padEnd(width)}  ${line}`).join('\n');
}

/** Breaks lines that are too long; tables, whose lines fit, stay unchanged. */
export function wrapped(text: string): string {
  const wrap = (line: string) => (line.length > COLUMNS ? new Help().boxWrap(line, COLUMNS) : line);
  return text.split('\n').map(wrap).join('\n');
}
