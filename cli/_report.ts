/** Writes a run's report.html. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { stringify } from 'yaml';
import type { SampleSource } from '../datasets/sample';
import { pictureOf, pictureUrl } from '../display/picture';
import type { SentenceDataset } from '../node/datasets/rated_sentences';
import { writeAtomically } from '../node/files/files';
import type { Curve } from '../training/curves';
import type { Evaluation } from '../training/evaluation';
import { accuracyOf, type EpochReport } from '../training/observer';
import type { Recipe } from '../training/recipe';
import { reportHtml, type SamplePrediction } from '../training/report';
import type { EvaluationData } from '../training/training_data';
import { predictionsOf } from './_predictions';

/** Number of samples in the report. */
const SHOWN = 24;

export interface ReportInput {
  run: string;
  recipe: Recipe;
  model: tf.LayersModel;
  parameters: number;
  /** Its teacher, if it had one. */
  teacher?: { name: string; sha256: string };
  history: readonly EpochReport[];
  evaluation?: Evaluation;
  test: SampleSource;
  testData: EvaluationData;
}

async function shownSample(test: SampleSource, index: number) {
  if ('sentences' in test) return { text: (test as SentenceDataset).sentences[index]!.text };
  const { data, shape } = await test.read(index);
  return { picture: await pictureUrl(pictureOf(data, shape)) };
}

/** What the network says of the first held-out samples. */
async function predictions({ model, test, testData }: ReportInput): Promise<SamplePrediction[]> {
  const found: SamplePrediction[] = [];
  for await (const { data, shape, labels } of testData.batches()) {
    const x = tf.tensor(data, shape);
    const predicted = await predictionsOf(model, x);
    x.dispose();
    for (let i = 0; i < labels.length && found.length < SHOWN; i++) {
      const { best, shares } = predicted[i]!;
      found.push({
        ...(await shownSample(test, found.length)),
        label: testData.classNames[labels[i]!]!,
        prediction: testData.classNames[best]!,
        probability: shares[best]!,
      });
    }
    if (found.length >= SHOWN) break;
  }
  return found;
}

/** The authors' log as a curve, if the recipe has it. */
export function publishedCurve({ expected }: Recipe): Curve | undefined {
  if (!expected?.accuracy) return undefined;
  const points = Object.entries(expected.accuracy).map(
    ([epoch, accuracy]) => [Number(epoch), accuracy] as const,
  );
  return { name: 'authors', dashed: true, points: points.sort((a, b) => a[0] - b[0]) };
}

export async function writeReport(input: ReportInput): Promise<string> {
  const { run, recipe, history, evaluation, parameters, teacher } = input;
  const seconds = history.reduce((sum, report) => sum + report.seconds, 0);
  const best = Math.max(...history.map((epoch) => accuracyOf(epoch) ?? 0));
  const html = reportHtml({
    title: `${recipe.name}: ${(100 * best).toFixed(2)} % after ${history.length} epochs`,
    facts: {
      recipe: recipe.description,
      parameters: parameters.toLocaleString('en'),
      ...(teacher && { teacher: `${teacher.name}, SHA-256 ${teacher.sha256}` }),
      backend: tf.getBackend(),
      'best test accuracy': `${(100 * best).toFixed(2)} %`,
      ...(recipe.expected?.published && {
        'accuracy in the paper': `${recipe.expected.published} %`,
      }),
      'training time': `${(seconds / 60).toFixed(1)} min`,
      written: new Date().toISOString(),
    },
    history,
    classNames: input.testData.classNames,
    evaluation,
    samples: await predictions(input),
    published: publishedCurve(recipe),
    recipe: stringify(recipe),
  });
  const path = join(run, 'report.html');
  await writeAtomically(path, [new TextEncoder().encode(html)]);
  return path;
}
