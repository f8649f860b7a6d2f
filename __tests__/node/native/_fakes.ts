/** Wheels, environments and projects that look like the real ones, a few kB large. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  name: string;
  data?: string | Uint8Array;
  /** Stored rather than deflated. */
  stored?: boolean;
  /** Unix mode, file type included. */
  mode?: number;
  /** The size that the directory claims. */
  claimed?: number;
}

/** A zip archive with any names one likes. */
export function makeZip(entries: ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data = '', stored = false, mode = 0o100644, claimed } of entries) {
    const bytes = Buffer.from(data as string);
    const packed = stored ? bytes : deflateRawSync(bytes);
    const nameBytes = Buffer.from(name);
    const common = Buffer.alloc(26); // from "version needed" to "extra length"
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(stored ? 0 : 8, 4);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimed ?? bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, packed]);
    const head = Buffer.alloc(6);
    head.write('PK\x01\x02', 'latin1');
    const tail = Buffer.alloc(14); // from "comment length" to "offset"
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([head, common, tail, nameBytes]));
    locals.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

export function writeFiles(folder: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

/** A `python3` in `folder` that is a shell script. Returns its path. */
export function makePython(folder: string, script: string): string {
  const path = join(writeFiles(folder, { python3: `#!/bin/sh\n${script}\n` }), 'python3');
  chmodSync(path, 0o755);
  return path;
}

/**
 * No Python environment is active in a test, and what it sets in `process.env` is gone after it. Call it at the
 * top of a file. Returns what was set before.
 */
export function withoutActivePython(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  beforeEach(() => {
    delete process.env.VIRTUAL_ENV;
    delete process.env.CONDA_PREFIX;
  });
  afterEach(() => {
    process.env = { ...environment };
  });
  return environment;
}

/** What a TensorFlow wheel and an environment's site-packages hold. */
export const tensorflowFiles = (version: string, name = 'tensorflow_cpu') => ({
  'tensorflow/libtensorflow_cc.so.2': 'cc',
  'tensorflow/libtensorflow_framework.so.2': 'framework',
  'tensorflow/include/tensorflow/c/kernels.h': '// kernels',
  'tensorflow/include/Eigen/Core': '// not needed',
  'tensorflow/__init__.py': '# not needed',
  [`${name}-${version}.dist-info/METADATA`]: `Version: ${version}`,
});

/** A project with tfjs-node as npm unpacks it. Returns the project's folder. */
export function makeProject(
  folder: string,
  name = '@tensorflow/tfjs-node',
  version = '4.22.0',
): string {
  const binary = { module_path: './lib/napi-v{napi_build_version}', napi_versions: [3, 8] };
  writeFiles(folder, { 'package.json': '{}' });
  writeFiles(join(folder, 'node_modules', name), {
    'package.json': JSON.stringify({ name, version, binary }),
    'binding/tfjs_backend.cc': '',
    'binding/tfjs_binding.cc': '',
  });
  return folder;
}
