/** `npm run results`: which variants of a run it refuses to combine. */
import { runFile } from '../support/process';

test('--orders and --from are refused together, as the help says', () => {
  const results = (...args: string[]) => runFile('scripts/training_results.ts', args);
  const both = results('x', '--recipe', 'cifar10-tiny', '--orders', '--from', 'digits');
  expect(both.stderr).toContain("'--orders' cannot be used with option '--from <model>'");
  expect(both.status).toBe(1);
  expect(results('--help').stdout.replace(/\s+/g, ' ')).toContain(
    'not with --from, whose weights are of one order',
  );
});
