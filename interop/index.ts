/** Weights from and to other frameworks: state dicts, safetensors. */
export {
  readSafetensors,
  readSafetensorsMetadata,
  SafetensorsError,
  writeSafetensors,
} from './safetensors';
export type {
  Dtype,
  DtypeArrays,
  StateDict,
  StateDictLike,
  StateTensor,
  StateTensorLike,
  TensorOf,
} from './state_dict';
export { type LoadOptions, type LoadReport, loadTorchStateDict, toTorchStateDict } from './torch';
