/** `npm run bench`: what it says and what it refuses, before anything is measured. */
import { runFile } from '../support/process';

test('--help says what there is', () => {
  const { status, stdout } = runFile('bench/index.ts', ['--help']);
  expect(stdout).toMatch(/\n {2}growth\n[\s\S]*\n {2}speed \(without a name\)\n/);
  expect(stdout).not.toMatch(/^ *(_|index|measure)/m);
  expect(status).toBe(0);
});

test.each([
  [['no-such'], /NAME must be one of .*, but got 'no-such'/, 2],
  [['--cases', 'lif,lof'], /--cases must be of lif, block, .*, but got 'lof'/, 1],
  [['--backends', 'webgl'], /--backends must be of tensorflow\+native, .*, but got 'webgl'/, 1],
  [['--rounds', '0'], /--rounds must be a whole number from 1, but got '0'/, 1],
  [['families', '--families', 'resnet'], /--families must be of spikingformer, .* 'resnet'/, 1],
  [['growth', '--axes', 'depth'], /--axes must be of time_steps, .*, but got 'depth'/, 1],
])('%j is refused', (args, message, code) => {
  const { status, stderr } = runFile('bench/index.ts', args);
  expect(stderr).toMatch(message);
  expect(status).toBe(code);
});
