/** Distillation: a loss with the labels plus what the student learns from a teacher. */
import { checkFinite, checkKeys, invalid } from '../lib/validate';
import { type BlurredFeaturesConfig, blurredFeatures } from './blurred_features';
import { softLabelLoss } from './soft_labels';
import { stepEntropy, stepSoftLabelLoss } from './temporal_separation';
import { asTrainingLoss, type LossFunction, type TrainingLoss, teacherOf } from './training_loss';
import { weightedSoftLabelLoss } from './weighted_soft_labels';

interface SoftLabels {
  /** Factor of this term, at least 0. Default 1. */
  weight?: number;
  /** Logits are divided by it. Default 4; 2 for weightedSoftLabels. */
  temperature?: number;
}

/** The terms of `distillation`; each that is given is added. */
export interface DistillationConfig {
  /** Factor of the loss with the labels, at least 0. Default 1. */
  labels?: number;
  /** See softLabelLoss. */
  softLabels?: SoftLabels;
  /** See weightedSoftLabelLoss. */
  weightedSoftLabels?: SoftLabels;
  /** stepSoftLabelLoss minus `entropy` (default 0) times stepEntropy. */
  temporalSeparation?: SoftLabels & { entropy?: number };
  /** See blurredFeatures. Its weight defaults to 0.002. */
  blurredFeatures?: BlurredFeaturesConfig & { weight?: number };
}

export const distillationTerms = [
  'softLabels',
  'weightedSoftLabels',
  'temporalSeparation',
  'blurredFeatures',
] as const;

/**
 * The sum of all given terms, each times its weight. For example Hinton's distillation, and BKDSNN's:
 *
 * ```ts
 * distillation(softTargetCrossEntropy, { labels: 0.1, softLabels: { weight: 0.9, temperature: 4 } });
 * distillation(softTargetCrossEntropy, {
 *   weightedSoftLabels: { temperature: 2 },
 *   blurredFeatures: { layer: 'block4', channels: 384, teacherChannels: 512, seed: 42 },
 * });
 * ```
 *
 * @param labels the loss with the labels, such as softTargetCrossEntropy
 * @throws if a term is unknown or invalid, or if there is none
 */
export function distillation(
  labels: LossFunction | TrainingLoss,
  config: DistillationConfig,
): TrainingLoss {
  checkKeys('distillation', config, ['labels', ...distillationTerms]);
  if (!distillationTerms.some((term) => config[term])) {
    throw invalid('distillation', `an object with one of ${distillationTerms.join(', ')}`, config);
  }
  const { softLabels, weightedSoftLabels, temporalSeparation } = config;
  const terms: Term[] = [term('labels', config.labels, asTrainingLoss(labels))];
  if (softLabels) {
    const { weight, temperature } = checked('softLabels', softLabels);
    const compute: Compute = ({ logits, teacher }) =>
      softLabelLoss(logits, teacherOf(teacher).logits, temperature);
    terms.push(term('softLabels.weight', weight, { compute }));
  }
  if (weightedSoftLabels) {
    const { weight, temperature } = checked('weightedSoftLabels', weightedSoftLabels);
    const compute: Compute = ({ targets, logits, teacher }) =>
      weightedSoftLabelLoss(targets, logits, teacherOf(teacher).logits, temperature);
    terms.push(term('weightedSoftLabels.weight', weight, { compute }));
  }
  if (temporalSeparation) {
    const given = checked('temporalSeparation', temporalSeparation, ['entropy']);
    const { weight, temperature, entropy = 0 } = given;
    const divergence: Compute = ({ logitsPerStep, teacher }) =>
      stepSoftLabelLoss(logitsPerStep!, teacherOf(teacher).logits, temperature);
    const certainty: Compute = ({ logitsPerStep }) =>
      stepEntropy(logitsPerStep!, temperature).neg();
    terms.push(
      term('temporalSeparation.weight', weight, { perStep: true, compute: divergence }),
      term('temporalSeparation.entropy', entropy, { perStep: true, compute: certainty }),
    );
  }
  if (config.blurredFeatures) {
    const { weight = 0.002, ...features } = config.blurredFeatures;
    terms.push(term('blurredFeatures.weight', weight, blurredFeatures(features)));
  }
  return sumOf(terms);
}

type Compute = TrainingLoss['compute'];

interface Term {
  weight: number;
  loss: TrainingLoss;
}

function term(argument: string, weight = 1, loss: TrainingLoss): Term {
  checkFinite(argument, weight);
  if (weight < 0) throw invalid(argument, 'a number from 0', weight);
  return { weight, loss };
}

/** A term's options, with its keys checked. */
function checked<T extends SoftLabels>(name: string, options: T, more: string[] = []): T {
  checkKeys(name, options, ['weight', 'temperature', ...more]);
  return options;
}

/** One loss from all terms with a weight; at most one of them may request features. */
function sumOf(terms: readonly Term[]): TrainingLoss {
  const used = terms.filter(({ weight }) => weight > 0);
  const layers = used.flatMap(({ loss }) => loss.featuresOf ?? []);
  if (new Set(layers).size > 1) {
    throw new Error(
      `All terms must take the features of the same layer, but they take ${layers.join(', ')}`,
    );
  }
  const variables = used.flatMap(({ loss }) => Object.entries(loss.variables ?? {}));
  const names = variables.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new Error(`Two terms have a variable ${twice}: give them different names`);
  return {
    perStep: used.some(({ loss }) => loss.perStep),
    ...(layers.length > 0 && { featuresOf: layers[0]! }),
    variables: Object.fromEntries(variables),
    compute(batch) {
      const values = used.map(({ weight, loss }) => loss.compute(batch).mul(weight));
      return values.reduce((sum, value) => sum.add(value)).asScalar();
    },
    dispose() {
      for (const { loss } of terms) loss.dispose?.();
    },
  };
}
