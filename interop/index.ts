/**
 * Weights from and to other frameworks: PyTorch checkpoints, safetensors, state dicts, ONNX, NIR.
 *
 * @packageDocumentation
 */
export type { ByteSource, CheckpointFile, FileHandleLike } from './byte_source';
export { CheckpointError } from './checkpoint_error';
export { keptTorchTensors } from './kept_tensors';
export { networkArgs } from './network_args';
export { NirError } from './nir/nir_error';
export type { NirOptions } from './nir/options';
export { readNir } from './nir/read_nir';
export { type NirWriteOptions, writeNir } from './nir/write_nir';
export { type OnnxOptions, toOnnx } from './onnx/to_onnx';
export {
  type OpenedCheckpoint,
  type OpenShard,
  openCheckpoint,
  openShardedCheckpoint,
} from './open_checkpoint';
export {
  openSafetensors,
  readSafetensors,
  readSafetensorsMetadata,
  SafetensorsError,
  writeSafetensors,
} from './safetensors';
export type {
  Dtype,
  DtypeArrays,
  LazyStateDict,
  LazyTensor,
  StateDict,
  StateDictLike,
  StateTensor,
  StateTensorLike,
  TensorOf,
} from './state_dict';
export { readStateDict } from './state_dict';
export { type LoadOptions, type LoadReport, loadTorchStateDict, toTorchStateDict } from './torch';
export {
  type OpenedTorchCheckpoint,
  openTorchCheckpoint,
  readTorchCheckpoint,
  type TorchCheckpoint,
  type TorchReadOptions,
} from './torch_checkpoint';
export { type TorchWriteOptions, writeTorchCheckpoint } from './torch_checkpoint_writer';
export {
  type RecognizedPreset,
  type RecognizeOptions,
  recognizePreset,
} from './torch_preset';
