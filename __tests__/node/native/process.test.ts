/** Programs of others end, by themselves or by their limit, and an error names them. */
import { minutes, run, runAsync, runShown } from '../../../node/native/process';

const late = /^waiting: (sh -c )?sleep 60 did not end within 0\.2 s and was killed$/;

test('one that ends has its status and output', () => {
  expect(run('sh', ['-c', 'echo out; echo err >&2; exit 3'], minutes(1))).toEqual({
    status: 3,
    stdout: 'out\n',
    stderr: 'err\n',
    late: false,
  });
});

test('one that does not end is killed, and so is one that others wait for', () => {
  const start = Date.now();
  expect(run('sh', ['-c', 'sleep 60; true'], 200)).toMatchObject({
    status: -1,
    stderr: 'sh -c sleep 60; true did not end within 0.2 s and was killed',
    late: true,
  });
  expect(run('sh', ['-c', "trap '' TERM INT; sleep 60; true"], 200)).toMatchObject({ late: true });
  expect(Date.now() - start).toBeLessThan(50_000); // as long as a busy machine likes, but for the sleep
});

test('one that does not exist is an error with its name', () => {
  expect(run('no-such-program', [], 1000)).toMatchObject({
    status: -1,
    stderr: expect.stringContaining('no-such-program'),
    late: false,
  });
});

test('in the background: late, failed, absent', async () => {
  const start = Date.now();
  await expect(runAsync('sh', ['-c', 'sleep 60'], 'waiting', 200)).rejects.toThrow(late);
  // Without a shell, whose sleep would outlive it: it has jest's own stderr, and jest would wait for it.
  await expect(runShown('sleep', ['60'], 'waiting', 200)).rejects.toThrow(late);
  expect(Date.now() - start).toBeLessThan(50_000); // as long as a busy machine likes, but for the sleep
  const fails = runAsync('sh', ['-c', 'echo why >&2; exit 4'], 'failing', minutes(1));
  await expect(fails).rejects.toThrow(/^failing failed with status 4:\nwhy$/);
  const absent = runShown('no-such-program', [], 'starting', minutes(1));
  await expect(absent).rejects.toThrow(/^starting: .*no-such-program/);
  await runAsync('true', [], 'succeeding', minutes(1));
});
