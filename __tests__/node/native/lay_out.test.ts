/** How the libraries are laid out for tfjs-node, without a compiler. */
import { existsSync, lstatSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { layOutTensorflow } from '../../../node/native/lay_out';
import { temporaryDirectory } from '../../support/process';
import { tensorflowFiles, writeFiles } from './_fakes';

const directory = temporaryDirectory();

function tensorflow(name: string, fetched: boolean) {
  const home = writeFiles(join(directory, name), {
    ...tensorflowFiles('2.21.0'),
    'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn',
  });
  return { version: '2.21.0', folder: join(home, 'tensorflow'), fetched };
}

test('what was fetched does not need the cache any more; CUDA lies where TensorFlow looks for it', async () => {
  const deps = join(directory, 'fetched-deps');
  const fetched = tensorflow('fetched', true);
  await layOutTensorflow(fetched, deps);
  rmSync(join(directory, 'fetched'), { recursive: true });
  const lib = join(deps, 'lib');
  expect(readFileSync(join(lib, 'libtensorflow.so'), 'utf8')).toBe('cc');
  expect(readFileSync(join(lib, 'libtensorflow_framework.so'), 'utf8')).toBe('framework');
  // The run path of libtensorflow_cc.so.2 has $ORIGIN/../nvidia/cudnn/lib.
  const cudnn = join(lib, '../nvidia/cudnn/lib/libcudnn.so.9');
  expect(readFileSync(cudnn, 'utf8')).toBe('cudnn');
  expect(lstatSync(cudnn).isFile()).toBe(true);
});

test("an environment's libraries stay where they are, with CUDA's beside them", async () => {
  const deps = join(directory, 'environment-deps');
  const found = tensorflow('environment', false);
  await layOutTensorflow(found, deps);
  const library = realpathSync(join(deps, 'lib/libtensorflow.so'));
  expect(library).toBe(realpathSync(join(found.folder, 'libtensorflow_cc.so.2')));
  expect(existsSync(join(deps, 'nvidia'))).toBe(false);
});
