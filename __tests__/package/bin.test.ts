/** The command's file: from the sources in a clone, from dist/ in an installed package, a sentence before npm ci. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, temporaryDirectory } from '../support/process';

const { bin, version } = require(join(root, 'package.json'));
const directory = temporaryDirectory();

/** A folder with the package's bin and these files. */
function folderWith(name: string, file: string, content: string): string {
  const folder = join(directory, name);
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), content);
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  return folder;
}

const run = (folder: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(folder, bin.spikingformer), ...args], { encoding: 'utf8' });

test('its names are the command and the package, so that no npx goes to a stranger', () => {
  expect(Object.keys(bin).sort()).toEqual(['spikingformer', 'tfjs-spikingformer']);
});

test('in a clone it runs the sources', () => {
  const { status, stdout, stderr } = run(root, '--version');
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test('before npm ci: a sentence', () => {
  const clone = folderWith('clone', 'cli/index.ts', '');
  const { status, stdout, stderr } = run(clone);
  expect(stderr).toBe('error: this clone has no node_modules yet: run npm ci in it\n');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
});

test('installed, it runs what was built', () => {
  const folder = folderWith('installed', 'dist/cli/index.js', "console.log('built');");
  expect(run(folder)).toMatchObject({ status: 0, stdout: 'built\n', stderr: '' });
});
