/**
 * Tools to look inside a network: observed spikes, firing rates, operations, energy, and kernels that a backend lacks.
 *
 * @module tfjs-spikingformer/analysis
 */
export {
  type Activity,
  type ActivityOptions,
  measureActivity,
  measureActivityAsync,
  type TensorActivity,
  type ValueKind,
} from './activity';
export { activityTable } from './activity_table';
export { type BackendReport, type CheckBackendOptions, checkBackend } from './check_backend';
export {
  type EnergyAssumptions,
  type EnergyOptions,
  type EnergyReport,
  type EnergyTotals,
  energy,
  energyAssumptions,
  energyOf,
  type LayerEnergy,
  type MemoryName,
  memories,
  type Rates,
} from './energy';
export { energySvg } from './energy_svg';
export { energyTable } from './energy_table';
export { type GradientStudyOptions, type GradientStudyRow, gradientStudy } from './gradient_study';
export { gradientStudySvg } from './gradient_study/figure';
export { type NeurobenchMetrics, type NeurobenchOptions, neurobench } from './neurobench';
export { firingRates, type ObserveOptions, observe } from './observe';
export {
  type CountOptions,
  countOperations,
  type LayerOperations,
  type OperationCount,
} from './operations';
export { walkLayers } from './walk';
