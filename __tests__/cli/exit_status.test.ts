/** Exit statuses: 0 done, 1 failed, 2 usage error; those of signals are in training.test.ts. */
import { join } from 'node:path';
import { runFile, temporaryDirectory } from '../support/process';

const none = join(temporaryDirectory(), 'none');
const cli = (...args: string[]) => runFile('cli/index.ts', args, { SPIKINGFORMER_DATA: none });

test.each([
  [0, [], 'no command: help'],
  [0, ['train', '--help'], 'help'],
  [1, ['datasets', 'check', 'mnist'], 'data that is not there'],
  [1, ['convert', 'package.json', join(none, 'a.pth'), '--strict'], 'a file that is no model'],
  [2, ['trian'], 'no such command'],
  [2, ['datasets'], 'a group without its command'],
  [2, ['train'], 'nothing to train'],
  [2, ['train', '--recipe', 'mnist-tiny', '--epochs', '0'], 'a number out of its range'],
  [2, ['evaluate'], 'a missing argument'],
  [2, ['predict', none], 'no such run'],
  [2, ['energy', 'spikingformer-4-256-cifar10', '--memory', 'disk'], 'no such choice'],
  [2, ['native', 'install', '--bogus'], 'no such option'],
])('%i: %j, %s', (expected, args) => {
  const { status, stdout, stderr } = cli(...(args as string[]));
  expect({ status, stderr }).toEqual({ status: expected, stderr: expect.any(String) });
  expect(stderr).not.toMatch(/^ +at /m); // a stack
  if (expected === 0) expect(stderr).toBe('');
  if (expected === 2) expect(stdout).toBe('');
});

test('the help documents them', () => {
  const text = cli('--help').stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(
    /Exit status: 0 done, 1 failed, 2 usage error, 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP/,
  );
});
