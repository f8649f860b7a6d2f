/** How well the tensors of a state_dict fit a model, part by part. */
import type * as interop from '../interop/index';
import { isUnusedKey } from '../models/families';

export interface PartMatch {
  part: string;
  /** In the file. */
  tensors: number;
  loaded: number;
  /** Known, unused by any model here: LayerNorms, batch counters. */
  unused: number;
  missing: number;
  mismatched: number;
  unexpected: number;
}

function partOf(key: string): string {
  return /^[^.]+(\.\d+)?/.exec(key)?.[0] ?? key;
}

/** The table, one row per part of the network, in the order of the file. */
export function matchByPart(keys: readonly string[], report: interop.LoadReport): PartMatch[] {
  const parts = new Map<string, PartMatch>();
  const row = (key: string): PartMatch => {
    const part = partOf(key);
    const zero = { tensors: 0, loaded: 0, unused: 0, missing: 0, mismatched: 0, unexpected: 0 };
    if (!parts.has(part)) parts.set(part, { part, ...zero });
    return parts.get(part)!;
  };
  const mismatched = new Set(report.mismatched.map((text) => text.slice(0, text.indexOf(':'))));
  const unexpected = new Set(report.unexpected);
  for (const key of keys) {
    const counts = row(key);
    counts.tensors++;
    if (unexpected.has(key)) counts.unexpected++;
    else if (mismatched.has(key)) counts.mismatched++;
    else if (isUnusedKey(key)) counts.unused++;
    else counts.loaded++;
  }
  for (const key of report.missing) row(key).missing++;
  return [...parts.values()];
}

/** The table as text. */
export function showMatch(parts: readonly PartMatch[]): string {
  const columns = ['tensors', 'loaded', 'unused', 'missing', 'mismatched', 'unexpected'] as const;
  const total: PartMatch = { ...(parts[0] as PartMatch), part: 'all' };
  for (const column of columns) total[column] = parts.reduce((sum, part) => sum + part[column], 0);
  const width = Math.max(...parts.map(({ part }) => part.length), 4);
  const line = (part: string, cells: readonly (string | number)[]) =>
    [part.padEnd(width), ...cells.map((cell, i) => String(cell).padStart(columns[i]!.length))].join(
      '  ',
    );
  return [
    line('part', columns),
    ...[...parts, total].map((row) =>
      line(
        row.part,
        columns.map((column) => row[column]),
      ),
    ),
  ].join('\n');
}
