/** The last words of a training run: how good it is, or how to go on with it. */
import { join, resolve } from 'node:path';
import { accuracyOf } from '../training/observer';
import type { Trainer } from '../training/trainer';
import { interruptStatus } from './shared/interrupt';
import { lostOutput } from './shared/output';
import { duration } from './shared/training_progress';
import type { TrainArguments } from './train';

/** Of a run that was stopped: the command that goes on with it. */
export function sayHowToGoOn(
  { message }: Error,
  signal: AbortSignal,
  run: string,
  options: TrainArguments,
): void {
  const { backend, teacher, teacherOutputs, epochs, data, workers } = options;
  const given = { backend, teacher, 'teacher-outputs': teacherOutputs, epochs, data, workers };
  const flags = Object.entries(given)
    .filter(([, value]) => value)
    .map(([flag, value]) => ` --${flag} ${quoted(String(value))}`);
  const set = { partial: '--partial', inexact: '--inexact', syncBn: '--sync-bn' } as const;
  for (const [key, flag] of Object.entries(set)) {
    if (options[key as keyof typeof set]) flags.push(` ${flag}`);
  }
  const command = `npx spikingformer train --resume --out ${quoted(run)}${flags.join('')}`;
  const lines = `${message}; everything is saved. To go on:\n  ${command}`;
  if (lostOutput()) console.error(lines);
  else if (options.json) console.log(JSON.stringify({ event: 'interrupted', resume: command }));
  else console.log(lines);
  process.exitCode = interruptStatus(signal);
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Best accuracy, time, and where the model and the report are. */
export function finish(
  { progress }: Trainer,
  run: string,
  report: string,
  { json }: TrainArguments,
): void {
  const { history } = progress;
  const accuracy = history.map((epoch) => accuracyOf(epoch) ?? 0);
  const best = Math.max(...accuracy);
  const seconds = history.reduce((sum, r) => sum + r.seconds, 0);
  if (json) {
    const files = { model: join(run, 'model'), report };
    console.log(JSON.stringify({ event: 'end', best, last: accuracy.at(-1), seconds, ...files }));
    return;
  }
  console.log(
    `best test accuracy ${(100 * best).toFixed(2)} % in epoch ${accuracy.indexOf(best) + 1}, ${duration(seconds)} of training\n` +
      `model in ${join(run, 'model')}, report in ${resolve(report)}`,
  );
}
