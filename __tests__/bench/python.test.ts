/** The peers' environment: made whole or not at all, once; with Pythons that are shell scripts. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pytorchPython, spikingJelly2 } from '../../bench/_python';
import { withoutActivePython, writeFiles } from '../node/native/_fakes';
import { temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
let count = 0;
withoutActivePython();

/** Makes this the only Python: it logs its calls, and makes environments of itself; `fails` is what it cannot do. */
function usePython(fails = 'nothing'): { cache: string; calls: () => string[] } {
  const folder = join(directory, String(count++));
  const log = join(folder, 'log');
  const script = `#!/bin/sh
echo "$*" >> ${log}
case "$*" in *${fails}*) exit 1;; esac
case "$*" in *version_info*) echo "is True 3.12.1 (main)";; esac
if [ "$2" = venv ]; then /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python"; fi
case "$*" in *--target*) /bin/mkdir -p "$7";; esac
`;
  writeFiles(folder, { 'bin/python3': script, 'cache/.keep': '' });
  chmodSync(join(folder, 'bin/python3'), 0o755);
  process.env.PATH = join(folder, 'bin');
  const calls = () => readFileSync(log, 'utf8').trim().split('\n');
  return { cache: join(folder, 'cache'), calls };
}

const made = (cache: string) =>
  readdirSync(cache).filter((name) => name.startsWith('bench-python'));

test('is made once: a second call finds it', async () => {
  const { cache, calls } = usePython();
  const lines: string[] = [];
  const first = await pytorchPython((line) => lines.push(line), cache);
  expect(first).toEqual({ python: join(cache, made(cache)[0]!, 'bin', 'python') });
  expect(existsSync((first as { python: string }).python)).toBe(true);
  expect(lines.join()).toMatch(
    /making .*bench-python-\w{12} from bench\/pytorch\/requirements\.txt/,
  );
  expect(calls().some((call) => /pip install .*--no-deps -r .*requirements\.txt/.test(call))).toBe(
    true,
  );
  const before = calls().filter((call) => call.includes('pip')).length;
  expect(await pytorchPython(() => undefined, cache)).toEqual(first);
  expect(calls().filter((call) => call.includes('pip'))).toHaveLength(before);
});

test.each([['pip'], ['without_cuda'], ['import\\ torch']])(
  'where %s fails: why, and nothing is left',
  async (step) => {
    const { cache } = usePython(step);
    expect(await pytorchPython(() => undefined, cache)).toMatch(/failed with status 1/);
    expect(made(cache)).toEqual([]);
  },
);

test('one that was broken off is made anew', async () => {
  const { cache } = usePython();
  const { python } = (await pytorchPython(() => undefined, cache)) as { python: string };
  const home = join(cache, made(cache)[0]!);
  const other = usePython();
  mkdirSync(join(other.cache, `${made(cache)[0]}.partial`, 'rubbish'), { recursive: true });
  const again = (await pytorchPython(() => undefined, other.cache)) as { python: string };
  expect(again.python.replace(other.cache, '')).toBe(python.replace(cache, ''));
  expect(readdirSync(home)).toEqual(['bin']);
  expect(made(other.cache)).toEqual([made(cache)[0]]);
});

test('without a Python that is new enough: which one it must be, and what is there', async () => {
  const { cache } = usePython('version_info');
  const python = join(process.env.PATH!, 'python3');
  const wanted = 'there is no Python 3.11 or later with venv';
  expect(await pytorchPython(() => undefined, cache)).toBe(
    `${wanted}: ${python} does not run: it ended with status 1 and printed nothing`,
  );
  writeFiles(process.env.PATH!, { python3: '#!/bin/sh\necho is False 3.9.2\n' });
  expect(await pytorchPython(() => undefined, cache)).toBe(`${wanted}: ${python} is 3.9.2`);
  writeFiles(process.env.PATH!, { python3: '#!/bin/sh\nexec /bin/sleep 60\n' });
  expect(await pytorchPython(() => undefined, cache, 200)).toMatch(
    /python3 does not run: .*python3 -c \.\.\. did not end within 0\.2 s and was killed$/,
  );
});

test('SpikingJelly 2 comes into a folder of its own, once, or not at all', async () => {
  const { cache, calls } = usePython();
  const { python } = (await pytorchPython(() => undefined, cache)) as { python: string };
  const first = (await spikingJelly2(python, () => undefined, cache)) as { home: string };
  expect(readdirSync(cache)).toContain(basename(first.home));
  expect(calls().at(-1)).toMatch(/pip install .*--no-deps --target .* -r .*spikingjelly_2\.txt$/);
  const before = calls().length;
  expect(await spikingJelly2(python, () => undefined, cache)).toEqual(first);
  expect(calls()).toHaveLength(before);
  const other = usePython('spikingjelly_2');
  const failing = join(process.env.PATH!, 'python3');
  expect(await spikingJelly2(failing, () => undefined, other.cache)).toMatch(
    /failed with status 1/,
  );
  expect(readdirSync(other.cache)).toEqual(['.keep']);
});
