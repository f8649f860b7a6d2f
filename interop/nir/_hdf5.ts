/** NIR's files are HDF5: groups of numbers and texts, read and written by h5wasm, which the user brings. */
import type * as H5wasm from 'h5wasm';
import { checkHeaps } from './_heaps';
import { NirError } from './nir_error';

/** The module h5wasm, as `import('h5wasm')` gives it. Its own types are those of a package that may not be there. */
export interface Hdf5 {
  File: unknown;
  ready: Promise<unknown>;
}

/** Numbers with their shape; a text; or what names hold. */
export interface Numbers {
  shape: number[];
  data: ArrayLike<number>;
  /** As NumPy names it. Default 'float32'. */
  dtype?: 'float32' | 'float64' | 'int64';
}
export type Item = Numbers | string | string[] | Tree;
export interface Tree {
  [name: string]: Item;
}

export const isNumbers = (item: Item | undefined): item is Numbers =>
  typeof item === 'object' && !Array.isArray(item) && ArrayBuffer.isView(item.data as never);
export const isTree = (item: Item | undefined): item is Tree =>
  typeof item === 'object' && !Array.isArray(item) && !isNumbers(item);

/** Deflate packs at most 1032 bytes into one: a file whose numbers claim more holds none of them. */
const MOST_PACKED = 1032;
const MOST_DEPTH = 32;
const MOST_ITEMS = 20_000;

let files = 0;

/** In a variable, so that bundlers leave an optional package alone. */
const PACKAGE = 'h5wasm';

async function load(given: Hdf5 | undefined) {
  let module = given;
  try {
    module ??= (await import(/* webpackIgnore: true */ /* @vite-ignore */ PACKAGE)) as Hdf5;
  } catch (error) {
    throw new NirError(
      "NIR files need the package h5wasm (npm install h5wasm); from a bundle or CommonJS pass it: { h5wasm: await import('h5wasm') }",
      {
        cause: error,
      },
    );
  }
  const { File, ready } = module as typeof H5wasm;
  const { FS, activate_throwing_error_handler: throwErrors } = await ready;
  throwErrors(); // Otherwise HDF5 prints them.
  return { File, FS };
}

/** Runs `run` on a path in h5wasm's own memory, which is free after it. */
function withPath<T>(FS: { unlink(path: string): void }, run: (path: string) => T): T {
  const path = `/nir-${++files}.h5`;
  try {
    return run(path);
  } finally {
    try {
      FS.unlink(path);
    } catch {
      // It was never written.
    }
  }
}

/** What a group or a set of numbers looks like from outside. */
type Entity = Partial<
  Pick<H5wasm.Group, 'keys' | 'get'> & Pick<H5wasm.Dataset, 'shape' | 'metadata' | 'value'>
>;

/** Everything in a file of that many bytes. */
class Reader {
  private items = 0;
  private bytes: number;

  constructor(fileBytes: number) {
    this.bytes = MOST_PACKED * fileBytes;
  }

  read(entity: Entity | null, path: string, depth = 0): Item {
    if (++this.items > MOST_ITEMS || depth > MOST_DEPTH) {
      throw new NirError(
        `A NIR file must have at most ${MOST_ITEMS} items, ${MOST_DEPTH} deep, but ${path} is beyond that`,
      );
    }
    if (entity?.keys) {
      const tree: Tree = Object.create(null);
      for (const key of entity.keys()) {
        tree[key] = this.read(entity.get!(key) as Entity | null, `${path}/${key}`, depth + 1);
      }
      return tree;
    }
    if (!entity?.metadata)
      throw new NirError(`${path} must be a group or a dataset, but is a link or a type`);
    this.bytes -= entity.metadata.total_size;
    if (this.bytes < 0)
      throw new NirError(
        `${path} must fit the size of its file, but its shape is [${entity.shape}]`,
      );
    return itemOf(entity.value, entity.shape ?? [], path);
  }
}

function itemOf(value: unknown, shape: number[], path: string): Item {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  const list = typeof value === 'number' || typeof value === 'bigint' ? [value] : value;
  if (Array.isArray(list) || ArrayBuffer.isView(list)) {
    const data = Float64Array.from(list as ArrayLike<number>, Number);
    if (data.every(Number.isFinite)) return { shape, data };
  }
  throw new NirError(`${path} must be a text or finite numbers, but is of another type`);
}

/** The content of an HDF5 file; a NirError if it is none, or damaged. */
export async function readHdf5(bytes: Uint8Array, h5wasm?: Hdf5): Promise<Tree> {
  const { File, FS } = await load(h5wasm);
  checkHeaps(bytes);
  return withPath(FS, (path) => {
    FS.writeFile(path, bytes);
    try {
      const file = new File(path, 'r');
      try {
        return new Reader(bytes.length).read(file, 'the file') as Tree;
      } finally {
        file.close();
      }
    } catch (error) {
      if (error instanceof NirError) throw error;
      const [why] = String((error as Error)?.message ?? error).split('\n');
      throw new NirError(`A NIR file must be a whole HDF5 file, but it cannot be read: ${why}`, {
        cause: error,
      });
    }
  });
}

/** How h5wasm names types, and the arrays that it takes of them. */
const arrays = {
  float32: (data: ArrayLike<number>) => ['<f', Float32Array.from(data)] as const,
  float64: (data: ArrayLike<number>) => ['<d', Float64Array.from(data)] as const,
  int64: (data: ArrayLike<number>) => ['<q', BigInt64Array.from(Array.from(data), BigInt)] as const,
};

function writeTree(group: H5wasm.Group, tree: Tree): void {
  for (const [name, item] of Object.entries(tree)) {
    if (typeof item === 'string') group.create_dataset({ name, data: item });
    else if (Array.isArray(item))
      group.create_dataset({ name, data: item, shape: [item.length / 2, 2] });
    else if (isNumbers(item)) {
      const [dtype, data] = arrays[item.dtype ?? 'float32'](item.data);
      group.create_dataset({ name, data, shape: item.shape, dtype });
    } else writeTree(group.create_group(name), item);
  }
}

/** The bytes of an HDF5 file; lists of texts are pairs. */
export async function writeHdf5(tree: Tree, h5wasm?: Hdf5): Promise<Uint8Array> {
  const { File, FS } = await load(h5wasm);
  return withPath(FS, (path) => {
    const file = new File(path, 'w');
    writeTree(file, tree);
    file.flush();
    file.close();
    return FS.readFile(path);
  });
}
