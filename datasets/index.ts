/**
 * Readers of data sets: pure functions on bytes, the same in browsers and in Node.
 *
 * @module tfjs-spikingformer/datasets
 */
export type { Chunks, ReadEventsOptions, StreamEventsOptions } from './_event_decoder';
export { type Aedat2Options, readAedat2, streamAedat2 } from './aedat2';
export { type Aedat31Options, readAedat31, streamAedat31 } from './aedat31';
export { type BadSample, type Batches, type BatchOptions, batches } from './batches';
export { type Cifar10, type Cifar100, readCifar10, readCifar100 } from './cifar';
export { type DatOptions, readDat, streamDat } from './dat';
export {
  type DataSetDescription,
  type DataSetName,
  dataSetNames,
  dataSets,
  type PixelDescription,
  type TextDescription,
} from './data_sets';
export { DatasetError } from './dataset_error';
export { type DvsGestureLabel, readDvsGestureLabels } from './dvs_gesture_labels';
export {
  concatEvents,
  cutEvents,
  type EventRecording,
  type Events,
  type SensorName,
  type SensorSize,
} from './events';
export { fitEvents } from './fit_events';
export {
  eventsToFrames,
  type FixedDurationOptions,
  type FixedFramesOptions,
  type Frames,
  type FramesOptions,
} from './frames';
export { type IdxArray, type IdxArrays, type IdxDtype, readIdx } from './idx';
export { type MemorySamples, memorySource } from './memory_source';
export { type NMnistOptions, readNMnist, streamNMnist } from './nmnist';
export {
  type LabeledSentence,
  type RatedSentence,
  readRatedSentences,
  splitRatedSentences,
} from './rated_sentences';
export type { Batch, Sample, SampleSource, WorkerSpec } from './sample';
export {
  type EncodedSentences,
  type EncodeSentencesOptions,
  encodeSentences,
  type SentenceTokenizer,
} from './sentences';
export { type TfDatasetOptions, type TfSample, toTfDataset } from './tf_dataset';
export * from './transforms';
export { trainWordPieces, type WordPieceJson, type WordPieceOptions } from './word_pieces';
