/** A training run that is killed three times ends with the same weights as one left alone. */
import { killRuns } from '../../scripts/soak/kills';
import { nodeArgs, temporaryDirectory } from '../support/process';

const folder = temporaryDirectory();

test('SIGKILL at three random moments, resumed each time: the same to the bit', async () => {
  const { kills, runs } = await killRuns({
    ...{ kills: 3, seed: 11, folder },
    command: nodeArgs('cli/index.ts'),
  });
  expect(kills).toBe(3);
  expect(runs).toBeGreaterThan(0);
});
