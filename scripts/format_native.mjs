/**
 * `npm run format:native`: native/ in the style of .clang-format; with --check, as `npm run lint:native`
 * has it, an error for each place that differs. Releases of clang-format differ, so it is always the same:
 * the one on the PATH if it is of that release, else what pip puts into .cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './_pack.mjs';

const RELEASE = '23.1.5';

function clangFormat() {
  const onPath = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
  if (onPath.stdout?.includes(`version ${RELEASE}`)) return 'clang-format';
  const folder = join(root, `.cache/clang-format-${RELEASE}`);
  const command = join(folder, 'clang_format/data/bin/clang-format');
  if (!existsSync(command)) {
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder];
    run('python3', [...install, `clang-format==${RELEASE}`]);
  }
  return command;
}

const sources = readdirSync(join(root, 'native'), { recursive: true })
  .filter((name) => /\.(cc|h|cu|cuh)$/.test(name))
  .map((name) => join('native', name));
const how = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { status, error } = spawnSync(clangFormat(), [...how, ...sources], {
  cwd: root,
  stdio: 'inherit',
});
if (error) throw error;
process.exitCode = status ?? 1;
