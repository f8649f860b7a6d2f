/** `spikingformer native` on the command line: help, and what it is asked wrongly. */
import { runFile } from '../../support/process';

const cli = (...args: string[]) => runFile('cli/index.ts', ['native', ...args]);

test('--help says what install needs and what it does', () => {
  const { status, stdout, stderr } = cli('install', '--help');
  expect(stdout).toMatch(
    /--tensorflow <path>[\s\S]*--version <release>[\s\S]*--gpu[\s\S]*compiler/,
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.each([
  [
    ['install', '--version', 'new'],
    /^error: --version must be a release such as .*, but got 'new'/,
  ],
  [
    ['install', '--version', '2.21.0', '--tensorflow', '.'],
    /^error: --version and --tensorflow must not be given together/,
  ],
  [['instal'], /^error: unknown command 'instal' \(Did you mean install\?\)/],
])('%j is a usage error: one line, status 2', (args, message) => {
  const { status, stdout, stderr } = cli(...args);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test('without a command prints the help, status 2', () => {
  const { status, stderr } = cli();
  expect(stderr).toMatch(/install[\s\S]*remove/);
  expect(status).toBe(2);
});
