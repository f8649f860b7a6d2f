/**
 * What TensorFlow.js lacks to train as the papers do, for custom loops and for `model.fit`.
 *
 * @module tfjs-spikingformer/training
 */
import { serialization } from '@tensorflow/tfjs';
import { AdamW } from './adamw';

serialization.registerClass(AdamW); // Its file does too, but bundlers keep only what an entry itself calls.

export type { Precision } from '../lib/gradient_precision';
export { GradientAccumulator } from './accumulate_gradients';
export { AdamW, type AdamWConfig, adamW } from './adamw';
export {
  type BlurredFeaturesConfig,
  blurredFeatureLoss,
  blurredFeatures,
  drawBlur,
  type RestorationMaps,
  type RestorationSizes,
  restorationMaps,
} from './blurred_features';
export { learningRateCallback, weightAverageCallback } from './callbacks';
export { clipByGlobalNorm, globalNorm } from './clip_gradients';
export {
  type CosineScheduleConfig,
  cosineSchedule,
  type LearningRateSchedule,
} from './cosine_schedule';
export { type DistillationConfig, distillation } from './distillation';
export { type EvaluateOptions, type Evaluation, evaluate, probabilities } from './evaluation';
export type { ForwardOutputs, ForwardRequest } from './forward';
export {
  identityOf,
  modelFromRecipe,
  testDataFromRecipe,
  trainerConfigFromRecipe,
} from './from_recipe';
export {
  DivergedError,
  examineHealth,
  firstNonFinite,
  type Health,
} from './health';
export { labelSmoothingCrossEntropy, smoothTargets, softTargetCrossEntropy } from './losses';
export {
  type Box,
  drawMixing,
  type Mixing,
  type MixupConfig,
  mixSamples,
  mixTargets,
} from './mixup';
export { dataOfModel, describeModel, type ModelData } from './model_data';
export type {
  EpochReport,
  Position,
  RunStart,
  StepReport,
  TrainingObserver,
} from './observer';
export { parseRecipe, RecipeError } from './parse_recipe';
export type { Ranks } from './ranks';
export type { Recipe } from './recipe';
export { type ReportContent, reportHtml, type SamplePrediction } from './report';
export {
  type EvaluationDataOptions,
  evaluationData,
  firstSamples,
  type TrainingDataOptions,
  trainingData,
} from './sample_data';
export { seededWeights } from './seeded_weights';
export { softLabelLoss } from './soft_labels';
export {
  type SpikeBertLossWeights,
  type SpikeBertOutputs,
  type SpikeBertStageTwo,
  spikeBertOutputs,
  spikeBertStageOne,
  spikeBertStageTwo,
} from './spike_bert_losses';
export { type SpikeClipDual, spikeClipAlignment, spikeClipDual } from './spike_clip_losses';
export {
  modelTeacher,
  type Teacher,
  type TeacherBatch,
  type TeacherOptions,
  type TeacherOutputs,
} from './teacher';
export { stepEntropy, stepSoftLabelLoss } from './temporal_separation';
export { fileVersionRecord, scalarsRecord, sessionStartRecord } from './tensorboard';
export { type TetConfig, tetLoss } from './tet_loss';
export { InterruptedError, Trainer } from './trainer';
export type { TrainerConfig } from './trainer_config';
export type { EvaluationData, TrainingBatch, TrainingData } from './training_data';
export type { LossBatch, LossFunction, TrainingLoss } from './training_loss';
export { WeightAverage } from './weight_average';
export { weightedSoftLabelLoss } from './weighted_soft_labels';
