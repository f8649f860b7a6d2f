/**
 * Makes a release of what is committed: sets the version, dates the changes in CHANGELOG.md, commits and tags.
 *
 *   npm run release -- 0.2.0 --ci-green
 *
 * CI cannot be asked from here: `--ci-green` is your word that `.ci/run` passed on this commit. Nothing is written
 * unless the version is a later one, the tree clean, the tag free, and CHANGELOG.md has unreleased changes. Pushing
 * the tag publishes (.github/workflows/publish.yml).
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';

const HEAD = '## [Unreleased]\n';
const VERSION_LINE = /^export const VERSION = '.*';$/m;
const FILES = ['package.json', 'package-lock.json', 'lib/shared.ts', 'CHANGELOG.md'];

const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim();
const numbers = (version) => version.split('.').map(Number);

/** Whether one version, of three numbers, is later than another. */
function isLater(version, than) {
  const [a, b] = [numbers(version), numbers(than)];
  const i = a.findIndex((number, j) => number !== b[j]);
  return i >= 0 && a[i] > b[i];
}

/** The changelog with what is under [Unreleased] under the version and the day, `2026-01-31`, instead. */
function dated(changelog, version, day) {
  const begin = changelog.indexOf(HEAD) + HEAD.length;
  const end = changelog.indexOf('\n## [', begin);
  const changes = changelog.slice(begin, end < 0 ? undefined : end);
  if (begin < HEAD.length || !/^- /m.test(changes)) {
    throw new Error('CHANGELOG.md must have changes under [Unreleased], but has none');
  }
  return `${changelog.slice(0, begin)}\n## [${version}] - ${day}\n${changelog.slice(begin)}`;
}

/** The files of the release by path, from those that are there. */
function released(version) {
  const [manifest, lock, shared, changelog] = FILES.map((file) => readFileSync(file, 'utf8'));
  const current = JSON.parse(manifest).version;
  if (!isLater(version, current)) {
    throw new Error(`the version must be later than ${current}, but got ${version}`);
  }
  if (!VERSION_LINE.test(shared)) {
    throw new Error('lib/shared.ts must export VERSION on a line, but does not');
  }
  const json = (data) => `${JSON.stringify(data, null, 2)}\n`;
  const locked = { ...JSON.parse(lock), version };
  locked.packages[''].version = version;
  return {
    'package.json': json({ ...JSON.parse(manifest), version }),
    'package-lock.json': json(locked),
    'lib/shared.ts': shared.replace(VERSION_LINE, `export const VERSION = '${version}';`),
    'CHANGELOG.md': dated(changelog, version, new Date().toISOString().slice(0, 10)),
  };
}

function release(version, ciGreen) {
  if (!/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(version)) {
    throw new Error(`the version must be three numbers, such as 0.2.0, but got '${version}'`);
  }
  if (!ciGreen) {
    throw new Error(
      `--ci-green must be given, once .ci/run has passed on ${git('rev-parse', '--short', 'HEAD')}`,
    );
  }
  const changes = git('status', '--porcelain');
  if (changes) throw new Error(`the tree must be clean, but has\n${changes}`);
  const tag = `v${version}`;
  if (git('tag', '--list', tag)) throw new Error(`the tag ${tag} must be free, but exists`);

  for (const [file, text] of Object.entries(released(version))) writeFileSync(file, text);
  git('commit', '--quiet', '--message', `Version ${version}`, '--', ...FILES);
  git('tag', '--annotate', tag, '--message', `Version ${version}`);
  console.log(`${tag} is tagged. To publish it: git push --follow-tags`);
}

const program = new Command('release')
  .description('sets the version, dates CHANGELOG.md, commits and tags')
  .argument('<version>', 'the next version, such as 0.2.0')
  .option('--ci-green', 'your word that .ci/run passed on this commit')
  .parse();
try {
  release(program.args[0], program.opts().ciGreen);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
