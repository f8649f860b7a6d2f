/**
 * Gives what CHANGELOG.md has under [Unreleased] the version of package.json and the day. `npm version
 * minor` does all of a release but publishing: version, changelog, commit, tag.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HEAD = '## [Unreleased]\n';
const file = fileURLToPath(new URL('../CHANGELOG.md', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const text = readFileSync(file, 'utf8');

const begin = text.indexOf(HEAD) + HEAD.length;
const end = text.indexOf('\n## [', begin);
if (begin < HEAD.length || text.slice(begin, end).trim() === '') {
  throw new Error('CHANGELOG.md must have changes under [Unreleased], but has none');
}
if (text.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already`);
const today = new Date().toISOString().slice(0, 10);
writeFileSync(file, `${text.slice(0, begin)}\n## [${version}] - ${today}\n${text.slice(begin)}`);
