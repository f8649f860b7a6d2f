/**
 * Shows how the public surface differs from what __tests__/package/surface/*.txt hold.
 *
 *   npm run surface -- --accept    takes additions into the files
 *   npm run surface -- --all       takes removals and changes too, which break users' code
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

const { accept, all } = new Command('surface')
  .description('shows how the public surface differs from the one that is held')
  .option('--accept', 'takes additions into the files')
  .option('--all', "takes removals and changes too, which break users' code")
  .parse()
  .opts();

const SPIKINGFORMER_SURFACE = all ? 'all' : accept ? 'additions' : '';
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', 'package/surface'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, SPIKINGFORMER_SURFACE },
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
