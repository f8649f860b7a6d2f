/** Packs the built package and has publint and are-the-types-wrong look at the tarball. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, run } from './_pack.mjs';

const directory = mkdtempSync(join(tmpdir(), 'spikingformer-lint-'));
try {
  const tarball = pack(directory);
  run('npx', ['--no-install', 'publint', '--strict', tarball], { stdio: 'inherit' });
  run('npx', ['--no-install', 'attw', tarball], { stdio: 'inherit' });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
