/** `npm run release`, in a repository of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../support/process';

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A layer.

## [0.1.0]

- The first.
`;

let repository: string;
const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
const read = (file: string) => readFileSync(join(repository, file), 'utf8');
function write(file: string, text: string): void {
  mkdirSync(dirname(join(repository, file)), { recursive: true });
  writeFileSync(join(repository, file), text);
}
const commit = () => {
  git('add', '--all');
  git('commit', '--quiet', '--message', 'A change');
};
const json = (data: object) => `${JSON.stringify(data, null, 2)}\n`;

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'spikingformer-release-'));
  git('init', '--quiet');
  git('config', 'user.name', 'Tester');
  git('config', 'user.email', 'tester@example.com');
  write('package.json', json({ name: 'any', version: '0.1.0', type: 'module' }));
  write('package-lock.json', json({ version: '0.1.0', packages: { '': { version: '0.1.0' } } }));
  write('lib/shared.ts', "export const VERSION = '0.1.0';\nexport const other = '0.1.0';\n");
  write('CHANGELOG.md', CHANGELOG);
  commit();
});
afterEach(() => rmSync(repository, { recursive: true }));

function release(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts/release.mjs'), ...args],
    { cwd: repository, encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

/** Expects the command to fail with a sentence, and to leave no trace. */
function expectRefusal(args: string[], sentence: string): void {
  const before = [git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag')];
  const { status, stderr } = release(...args);
  expect(stderr).toContain(sentence);
  expect(status).toBe(1);
  expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag')]).toEqual(before);
}

test('the version, the changelog with its day, a commit and a tag', () => {
  expect(release('0.2.0', '--ci-green')).toEqual({
    status: 0,
    stdout: 'v0.2.0 is tagged. To publish it: git push --follow-tags\n',
    stderr: '',
  });
  expect(JSON.parse(read('package.json'))).toEqual({
    name: 'any',
    version: '0.2.0',
    type: 'module',
  });
  expect(JSON.parse(read('package-lock.json'))).toEqual({
    ...{ version: '0.2.0', packages: { '': { version: '0.2.0' } } },
  });
  expect(read('lib/shared.ts')).toBe(
    "export const VERSION = '0.2.0';\nexport const other = '0.1.0';\n",
  );
  const [, day] = /^## \[0\.2\.0\] - (\d{4}-\d\d-\d\d)$/m.exec(read('CHANGELOG.md'))!;
  expect(read('CHANGELOG.md')).toBe(
    CHANGELOG.replace('[Unreleased]\n', `[Unreleased]\n\n## [0.2.0] - ${day}\n`),
  );
  expect(git('status', '--porcelain')).toBe('');
  expect(git('rev-list', '-1', 'v0.2.0')).toBe(git('rev-parse', 'HEAD'));
  expect(git('log', '-1', '--format=%s')).toBe('Version 0.2.0');
});

test('a second release needs new changes', () => {
  release('0.2.0', '--ci-green');
  expectRefusal(['0.2.1', '--ci-green'], 'must have changes under [Unreleased], but has none');
});

test('CI must have passed, by the word of the user', () => {
  expectRefusal(['0.2.0'], `--ci-green must be given, once .ci/run has passed on`);
});

test('the tree must be clean, of new files too', () => {
  write('new.ts', '');
  expectRefusal(['0.2.0', '--ci-green'], 'the tree must be clean, but has\n?? new.ts');
});

test('the tag must be free', () => {
  git('tag', 'v0.2.0');
  expectRefusal(['0.2.0', '--ci-green'], 'the tag v0.2.0 must be free, but exists');
});

test.each(['0.1.0', '0.0.9'])('%s is not later', (version) => {
  expectRefusal([version, '--ci-green'], `must be later than 0.1.0, but got ${version}`);
});

test.each(['0.2', 'v0.2.0', '0.2.0-rc.1', '0.02.0'])('%s is no version', (version) => {
  expectRefusal(
    [version, '--ci-green'],
    `must be three numbers, such as 0.2.0, but got '${version}'`,
  );
});

test('numbers are compared as numbers', () => {
  expect(release('0.10.0', '--ci-green').status).toBe(0);
  expect(JSON.parse(read('package.json')).version).toBe('0.10.0');
});

test('without VERSION nothing is written', () => {
  write('lib/shared.ts', '');
  commit();
  expectRefusal(
    ['0.2.0', '--ci-green'],
    'lib/shared.ts must export VERSION on a line, but does not',
  );
});
