/**
 * What distillation gives: a stock tf.layers network is trained as teacher, then a small Spikingformer
 * without it and by each method, with several seeds; every epoch goes into results/distillation.csv.
 * Killed, it goes on where it was.
 *
 *   npx tsx scripts/distillation_results.ts --seeds 1,2,3
 *   bash scripts/with_tensorflow.sh npx tsx scripts/distillation_results.ts --backend tensorflow
 *
 * The second, killed, begins anew: its runs are in a copy of the project.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { trainTeacher } from './_stock_teacher';
import { integers, record, train } from './_training_runs';

/** What each adds to the recipe. Weights are common ones, not tuned. */
const methods: Record<string, readonly string[]> = {
  none: [],
  'soft labels': ['distillation={labels: 0.1, softLabels: {weight: 0.9, temperature: 4}}'],
  BKDSNN: [
    'distillation={weightedSoftLabels: {}, blurredFeatures: {layer: block1, teacherLayer: pool}}',
  ],
  'temporal separation': [
    'loss={name: tet, lambda: 0}',
    'distillation={labels: 0.5, temporalSeparation: {weight: 0.5, temperature: 4, entropy: 0.01}}',
  ],
};

interface Options {
  recipe: string;
  seeds: number[];
  teacherEpochs: string;
  set: string[];
  backend?: string;
}

const { recipe, seeds, teacherEpochs, set, backend } = new Command('distillation_results')
  .option('--recipe <name>', "the students', of CIFAR-10", 'cifar10-tiny')
  .option('--seeds <list>', "the students', one run each", integers, [1, 2, 3])
  .option('--teacher-epochs <n>', 'how long the teacher is trained', '10')
  .option('--set <key=value>', 'change the recipe', (value, all: string[]) => [...all, value], [])
  .option('--backend <name>')
  .parse()
  .opts<Options>();
const command = `npx tsx scripts/distillation_results.ts ${process.argv.slice(2).join(' ')}`.trim();
const file = join('results', 'distillation.csv');
const place = (name: string) => join('runs', 'distillation', name);
const given = backend === undefined ? {} : { backend };

const teacher = place('teacher');
await trainTeacher(teacher, { recipe, epochs: Number(teacherEpochs), ...given });
record(file, teacher, { recipe, method: 'the teacher', seed: 42 }, command);
for (const [method, settings] of Object.entries(methods)) {
  for (const seed of seeds) {
    const run = place(`${method.replace(' ', '-')}-${seed}`);
    const learnsFrom = method === 'none' ? {} : { teacher };
    train(run, recipe, [...set, `seed=${seed}`, ...settings], { ...given, ...learnsFrom });
    record(file, run, { recipe, method, seed }, command);
  }
}
