/** Runs that save checkpoints and are interrupted, for the tests of checkpoints. */
import type { CheckpointStore } from '../../../node/runs/checkpoints';
import { InterruptedError } from '../../../training/trainer';
import type { TrainerConfig } from '../../../training/trainer_config';
import { tinyTrainer } from '../../support/training';

/** Options of a run that saves checkpoints. */
export const saving = (store: CheckpointStore): Partial<TrainerConfig> => ({
  save: (trainer) => store.save(trainer),
  test: undefined, // faster; one test has it
});
/** A reporter that fails the test at any message. */
export const silent = (message: string) => {
  throw new Error(`unexpected: ${message}`);
};

/** A run with checkpoints that ends after that many steps, as Ctrl-C ends it. */
export async function interrupted(
  store: CheckpointStore,
  steps: number,
  config: Partial<TrainerConfig> = {},
) {
  const controller = new AbortController();
  const observers = [
    { onStep: ({ step }: { step: number }) => void (step === steps && controller.abort()) },
  ];
  const run = tinyTrainer({ ...saving(store), observers, signal: controller.signal, ...config });
  await expect(run.finish()).rejects.toThrow(InterruptedError);
  run.end();
}
