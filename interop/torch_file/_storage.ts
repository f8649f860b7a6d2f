/** What a persistent id stands for in a file by torch.save: a storage. */
import { RefusedError } from './_arguments';
import { PickleTuple, type PickleValue, TorchStorage, TorchStorageType, typeName } from './values';

/** ('storage', type, key, location, number of elements[, view]) */
export function storageOf(id: PickleValue, legacy: boolean): TorchStorage {
  if (!(id instanceof PickleTuple) || id.items[0] !== 'storage') {
    throw new RefusedError(`a persistent id must be of a storage, but is ${typeName(id)}`);
  }
  const [, type, key, location, elements, storageView] = id.items;
  if (!(type instanceof TorchStorageType)) {
    throw new RefusedError(`a storage must have a type of torch's, but has ${typeName(type)}`);
  }
  if (typeof key !== 'string' || typeof location !== 'string') {
    throw new RefusedError("a storage's key and location must be texts");
  }
  const bytes = typeof elements === 'number' ? elements * type.width : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new RefusedError('a storage must have from 0 to 2^53 - 1 bytes');
  }
  if (legacy && storageView !== null && storageView !== undefined) {
    throw new RefusedError('a storage that is a view of another (PyTorch before 0.4) is not read');
  }
  return new TorchStorage(key, type, bytes, location);
}
