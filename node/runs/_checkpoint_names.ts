/** Names of checkpoint folders: run, position, and their order. */
import type { Position } from '../../training/observer';

/** The content of a name. Runs in one folder count from 1; the first has no number in its names. */
export interface CheckpointName extends Pick<Position, 'epoch' | 'batch'> {
  run: number;
}

const NAME = /^(?:run-(\d+)-)?epoch-(\d{6,})-batch-(\d{6,})$/;

export function checkpointName({ run, epoch, batch }: CheckpointName): string {
  const pad = (n: number) => String(n).padStart(6, '0');
  return `${run > 1 ? `run-${run}-` : ''}epoch-${pad(epoch)}-batch-${pad(batch)}`;
}

/** Undefined if it is not a checkpoint. */
export function parseCheckpointName(name: string): CheckpointName | undefined {
  const [, run = '1', epoch, batch] = NAME.exec(name) ?? [];
  return epoch === undefined
    ? undefined
    : { run: Number(run), epoch: Number(epoch), batch: Number(batch) };
}

export const isCheckpointName = (name: string) => NAME.test(name);

/** By number, not as text: batch 1,000,000 comes after batch 999,999. */
export function comparePositions(
  a: Pick<Position, 'epoch' | 'batch'>,
  b: Pick<Position, 'epoch' | 'batch'>,
): number {
  return a.epoch - b.epoch || a.batch - b.batch;
}

/** The names that are checkpoints, oldest first. */
export function checkpointNames(names: readonly string[]): string[] {
  return names
    .flatMap((name) => {
      const parsed = parseCheckpointName(name);
      return parsed ? [{ name, ...parsed }] : [];
    })
    .sort((a, b) => a.run - b.run || comparePositions(a, b))
    .map(({ name }) => name);
}
