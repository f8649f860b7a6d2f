/** Observers that write a run's numbers: metrics.csv, steps.csv, and TensorBoard's event files. */
import fs from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { epochHeader, epochRow, epochScalars, stepHeader, stepRow } from '../../training/metrics';
import type { RunStart, TrainingObserver } from '../../training/observer';
import { fileVersionRecord, scalarsRecord, sessionStartRecord } from '../../training/tensorboard';
import { errorCode, fileError, writeAtomically } from '../files/files';

/**
 * Writes `metrics.csv`, one row per epoch, and `steps.csv`, one row per optimizer step. Both count epochs from 0, as
 * TensorBoard and the authors' logs do. A resumed run drops the rows that it will write again.
 */
export function csvObserver(folder: string): TrainingObserver {
  const epochsFile = join(folder, 'metrics.csv');
  const stepsFile = join(folder, 'steps.csv');
  let rows: string[];
  let steps: Appender;
  const writeEpochs = () => writeAtomically(epochsFile, [Buffer.from(rows.join(''))]);
  return {
    async onStart({ history, position }) {
      rows = [epochHeader, ...history.map(epochRow)];
      await writeEpochs();
      await writeAtomically(stepsFile, [Buffer.from(await rowsUntil(stepsFile, position.step))]);
      steps = await Appender.open(stepsFile);
    },
    onStep: (report) => steps.write(Buffer.from(stepRow(report))),
    onEpoch: (report) => {
      rows.push(epochRow(report));
      return writeEpochs();
    },
    onEnd: () => steps?.end(),
  };
}

/** The file's complete rows for finished steps. */
async function rowsUntil(file: string, step: number): Promise<string> {
  const text = await fs.readFile(file, 'utf8').catch((error) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw fileError(`cannot read ${file}`, error);
  });
  const [, ...rows] = text.match(/.*\n/g) ?? [];
  const kept = rows.filter((row) => Number(row.slice(0, row.indexOf(','))) <= step);
  return stepHeader + kept.join('');
}

/** One event file per process in `folder`, as usual for TensorBoard; `tensorboard --logdir FOLDER` shows it. */
export function tensorboardObserver(folder: string): TrainingObserver {
  let file: Appender;
  const now = () => Date.now() / 1000;
  return {
    async onStart({ position, history }: RunStart) {
      await fs.mkdir(folder, { recursive: true });
      const name = `events.out.tfevents.${Math.floor(now())}.${hostname()}.${process.pid}.v2`;
      file = await Appender.open(join(folder, name));
      await file.write(fileVersionRecord(now()));
      await file.write(sessionStartRecord(position.step + 1, now()));
      // An epoch whose row was lost with the process is written again; repeating others changes nothing.
      for (const report of history) {
        await file.write(scalarsRecord(epochScalars(report), report.step, now()));
      }
    },
    onStep: ({ step, loss, accuracy, learningRate }) =>
      file.write(
        scalarsRecord(
          { 'train/loss': loss, 'train/accuracy': accuracy, learning_rate: learningRate },
          step,
          now(),
        ),
      ),
    onEpoch: (report) => file.write(scalarsRecord(epochScalars(report), report.step, now())),
    onEnd: () => file?.end(),
  };
}

/** Appends to a file: everything, or nothing if the disk is full, with an error that names the file. */
class Appender {
  private constructor(
    private readonly path: string,
    private readonly handle: fs.FileHandle,
    private size: number,
  ) {}

  static async open(path: string): Promise<Appender> {
    try {
      const handle = await fs.open(path, 'a');
      return new Appender(path, handle, (await handle.stat()).size);
    } catch (error) {
      throw fileError(`cannot write ${path}`, error);
    }
  }

  async write(data: Uint8Array): Promise<void> {
    try {
      await this.handle.writeFile(data);
      this.size += data.length;
    } catch (error) {
      await this.handle.truncate(this.size).catch(() => undefined); // Removes half a row.
      throw fileError(`cannot write ${this.path}`, error);
    }
  }

  end(): Promise<void> {
    return this.handle.close();
  }
}
