/** The rated sentences as a data set: read from the archive, prepared by pip, and what is wrong with either. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDataset, ratedSentences } from '../../../node/datasets';
import { withSdist } from '../../../node/files/pypi_sdist';
import { packagedTokenizer } from '../../../node/tokenizer';
import { temporaryDirectory } from '../../support/process';
import { ratedSentencesArchive } from './sentences_archive';

const directory = temporaryDirectory();

function folderOf(name: string, archive: Uint8Array): string {
  const folder = join(directory, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'hutto_ICWSM_2014.tar.gz'), archive);
  return folder;
}

test('samples are the ids of the sentences beside them, filled up and cut to 48', async () => {
  const root = folderOf('small', ratedSentencesArchive(40, 'very '.repeat(60)));
  const train = await ratedSentences({ split: 'train', root, partial: true });
  const held = await ratedSentences({ split: 'test', root, partial: true });
  expect([train.length, held.length]).toEqual([32, 8]);
  expect(train.classNames).toEqual(['negative', 'positive']);
  const tokenizer = await packagedTokenizer('ratedsentences');
  for (const [i, { text, label }] of train.sentences.entries()) {
    const sample = await train.read(i);
    const ids = Array.from(tokenizer.encode(text).ids).slice(0, 48);
    expect(sample.shape).toEqual([48]);
    expect(sample.label).toBe(label);
    expect([...sample.data]).toEqual([...ids, ...Array(48 - ids.length).fill(0)]);
  }
  expect(train.fingerprint).not.toBe(held.fingerprint);
});

test('a file that is not whole is refused, and reported by check', async () => {
  const root = folderOf('part', ratedSentencesArchive(40));
  await expect(ratedSentences({ split: 'test', root })).rejects.toThrow(
    /the test split of ratedsentences must have 2113 samples, but has 8/,
  );
  const { problems } = await checkDataset('ratedsentences', { root });
  expect(problems[0]).toMatch(/hutto_ICWSM_2014\.tar\.gz must have sha256 d5bb07d8/);
  const none = join(directory, 'none');
  await expect(ratedSentences({ split: 'test', root: none })).rejects.toThrow(
    /ratedsentences must have hutto_ICWSM_2014\.tar\.gz in .*datasets prepare ratedsentences/,
  );
  const damaged = folderOf('damaged', Uint8Array.of(1, 2, 3));
  await expect(ratedSentences({ split: 'test', root: damaged })).rejects.toThrow(
    /hutto_ICWSM_2014\.tar\.gz: the tarball is damaged/,
  );
});

describe('a source package by pip', () => {
  const path = process.env.PATH;
  const env = { ...process.env };
  afterEach(() => {
    process.env.PATH = path;
    for (const key of ['VIRTUAL_ENV', 'CONDA_PREFIX']) {
      if (env[key] !== undefined) process.env[key] = env[key];
    }
  });

  /** A Python whose pip answers with that script; $@ are pip's arguments. */
  function fakePip(name: string, script: string): void {
    const bin = join(directory, name);
    mkdirSync(bin);
    const version =
      'case "$*" in *--version*) echo "pip 24.0 from /x (python 3.12)"; exit 0;; esac';
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\n${version}\n${script}\n`);
    chmodSync(join(bin, 'python3'), 0o755);
    process.env.PATH = `${bin}:/usr/bin:/bin`;
    for (const key of ['VIRTUAL_ENV', 'CONDA_PREFIX']) delete process.env[key];
  }

  const sdist = { requirement: 'words==1.0', file: 'words-1.0.zip', sha256: 'ab'.repeat(32) };
  const leftovers = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('spikingformer-pip-'));

  test('pip gets the hash, and its folder is removed', async () => {
    const seen = join(directory, 'seen');
    const take =
      'while [ "$1" != "" ]; do [ "$1" = -d ] && out="$2"; [ "$1" = -r ] && list="$2"; shift; done';
    fakePip(
      'good',
      `echo "$@" > ${seen}\n${take}\ncat "$list" >> ${seen}\necho words > "$out/words-1.0.zip"`,
    );
    const before = leftovers();
    let folder = '';
    const text = await withSdist(sdist, async (file, work) => {
      folder = work;
      return readFileSync(file, 'utf8');
    });
    expect(text).toBe('words\n');
    expect(existsSync(folder)).toBe(false);
    expect(leftovers()).toEqual(before);
    const told = readFileSync(seen, 'utf8');
    expect(told).toMatch(/download --no-deps --no-binary :all: .*--require-hashes/);
    expect(told).toContain(`words==1.0 --hash=sha256:${sdist.sha256}`);
  });

  test('a pip that refuses, or leaves another file, is an error, and nothing stays', async () => {
    const before = leftovers();
    fakePip('refusing', 'exit 3');
    await expect(withSdist(sdist, async () => 0)).rejects.toThrow(
      /pip download words==1\.0 failed with status 3/,
    );
    fakePip('other', 'exit 0');
    await expect(withSdist(sdist, async (file) => readFileSync(file))).rejects.toThrow(/ENOENT/);
    expect(leftovers()).toEqual(before);
  });
});
