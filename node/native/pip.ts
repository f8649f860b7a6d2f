/**
 * TensorFlow wheels through the user's pip, which knows the index, proxy and credentials. pip's answers are verified:
 * its report, then each wheel's SHA-256 against the index's.
 */
import { readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { hashFile } from '../files/hash';
import { minutes, runShown } from './process';
import { normalizedName, type Pip, reasonOf, runPython, writesReports } from './python';

/** Time limit for the index to answer: releases before 23 download a wheel to read its metadata. */
const ASK_LIMIT = minutes(30);
/** Time limit for a download: 0.3 GB, or with CUDA 3 GB, on a slow line. */
const DOWNLOAD_LIMIT = { cpu: minutes(120), gpu: minutes(600) };

/** pip's choice for this Python first; then another Python's wheel, if TensorFlow has none for this one. */
const anyPython: readonly string[][] = [
  [],
  ['--python-version', '3.12'],
  ['--python-version', '3.11'],
];

/** User settings that would interfere with a download although they suit an installation. */
const environment = {
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_REQUIRE_VIRTUALENV: '0',
  PIP_USER: '0',
  PIP_NO_INPUT: '1', // A prompt that nobody sees would wait forever.
};

/** A wheel in the index. */
interface IndexedWheel {
  /** `name==version`. */
  requirement: string;
  sha256: string;
}

const Report = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string().min(1), version: z.string().min(1) }),
      download_info: z.object({
        /** pip 22 has `hash`, later releases both. */
        archive_info: z
          .object({
            hash: z.string().optional(),
            hashes: z.record(z.string(), z.string()).optional(),
          })
          .optional(),
      }),
    }),
  ),
});

/** The JSON object on stdout among other output, or the reason why there is none. */
function jsonIn(stdout: string): { content: unknown } | string {
  const lines = stdout.split('\n').map((line) => line.trimEnd());
  const indices = lines.map((_, i) => i);
  const starts = indices.filter((i) => lines[i]!.startsWith('{'));
  const ends = indices.filter((i) => /^(\}|\{.*\}$)/.test(lines[i]!)).reverse();
  let reason = '';
  for (const start of starts) {
    for (const end of ends.filter((end) => end >= start)) {
      try {
        return { content: JSON.parse(lines.slice(start, end + 1).join('\n')) };
      } catch (error) {
        reason ||= (error as Error).message;
      }
    }
  }
  return reason || 'there is no object in it';
}

/** The entries for wheels in pip's report. */
function parseReport(stdout: string): z.infer<typeof Report>['install'] {
  const shown = JSON.stringify(stdout.trim().slice(0, 200));
  if (stdout.trim() === '')
    throw new Error('pip install --report must print a report, but printed nothing');
  const json = jsonIn(stdout);
  if (typeof json === 'string') {
    throw new Error(`pip's report must be JSON, but is not (${json}): ${shown}`);
  }
  const { content } = json;
  const result = Report.safeParse(content);
  if (result.success) return result.data.install;
  const { path, message } = result.error.issues[0]!;
  throw new Error(`pip's report is invalid: ${path.join('.') || 'all of it'}: ${message}`);
}

/** The wheels of TensorFlow and, for GPUs, those of CUDA that its metadata names; not its Python dependencies. */
function askIndex(pip: Pip, wanted: string, gpu: boolean, work: string) {
  let reason = '';
  for (const options of anyPython) {
    const ran = runPython(
      pip.python,
      [
        ...['-m', 'pip', 'install', '--dry-run', '--quiet', '--report', '-'],
        ...(gpu ? [] : ['--no-deps']),
        ...['--target', join(work, 'unused'), '--only-binary', ':all:', ...options, wanted],
      ],
      { limit: ASK_LIMIT, env: environmentIn(work) },
    );
    if (ran.status === 0) return { wheels: wheelsOf(parseReport(ran.stdout), wanted), options };
    if (ran.late) throw new Error(ran.stderr);
    if (/^Traceback /m.test(ran.stderr)) throw new Error(`${nameOf(pip)} breaks: ${reasonOf(ran)}`);
    reason ||= ran.stderr.trim() || reasonOf(ran);
  }
  throw new Error(`${nameOf(pip)} finds no wheel of ${wanted}:\n${reason}`);
}

function wheelsOf(install: z.infer<typeof Report>['install'], wanted: string): IndexedWheel[] {
  const wheels = install
    .filter(({ metadata }) => /^(tensorflow(-cpu)?$|nvidia-)/.test(normalizedName(metadata.name)))
    .map(({ metadata: { name, version }, download_info: { archive_info = {} } }) => {
      const { hash, hashes } = archive_info;
      const sha256 = hashes?.sha256 ?? /^sha256=(.*)$/.exec(hash ?? '')?.[1] ?? '';
      return { requirement: `${name}==${version}`, sha256 };
    });
  if (!wheels.some(({ requirement }) => /^tensorflow/i.test(requirement))) {
    throw new Error(`pip finds ${wanted}, but its report names no wheel of TensorFlow`);
  }
  for (const { requirement, sha256 } of wheels) {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw noHash(requirement);
  }
  return wheels;
}

const noHash = (wheel: string) => new Error(`the index gives no SHA-256 to verify ${wheel} with`);

const nameOf = ({ python, version }: Pip) => `pip ${version} of ${python}`;

/** Its temporary files go where there is space for them. */
const environmentIn = (work: string) => ({ ...environment, TMPDIR: work });

const downloadInto = (work: string, ...options: string[]) => [
  ...['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:'],
  ...[...options, '-d', work],
];

/**
 * Downloads the wheels of `wanted` into the empty folder `work`. Each SHA-256 is compared with the index's twice: by
 * pip, and by us.
 * @returns the wheels' paths
 */
export async function downloadWheels(
  pip: Pip,
  wanted: string,
  gpu: boolean,
  work: string,
): Promise<string[]> {
  const expected = writesReports(pip)
    ? await downloadReported(pip, wanted, gpu, work)
    : await downloadLogged(pip, wanted, gpu, work);
  const files = readdirSync(work).filter((name) => name.endsWith('.whl'));
  if (files.length !== expected.length) {
    const [needed, left] = [expected.length, files.length];
    throw new Error(`pip download must leave ${needed} wheels, but has left ${left}`);
  }
  for (const file of files) {
    const { digest: received } = await hashFile(join(work, file), 'sha256');
    if (!expected.includes(received)) {
      throw new Error(
        `${file} must have SHA-256 ${expected.join(' or ')}, as the index says, but has ${received}`,
      );
    }
  }
  return files.map((file) => join(work, file));
}

/** Asks pip first which wheels to download; returns their hashes. */
async function downloadReported(pip: Pip, wanted: string, gpu: boolean, work: string) {
  const { wheels, options } = askIndex(pip, wanted, gpu, work);
  const list = join(work, 'requirements.txt');
  const lines = wheels.map(({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}\n`);
  await fs.writeFile(list, lines.join(''));
  await runShown(
    pip.python,
    downloadInto(work, ...options, '--require-hashes', '-r', list),
    `pip download ${wanted}`,
    DOWNLOAD_LIMIT[gpu ? 'gpu' : 'cpu'],
    environmentIn(work),
  );
  return wheels.map(({ sha256 }) => sha256);
}

/**
 * For a pip without reports: it verifies downloads with the hash in the index's link, and its log shows that link. Only
 * a report could name the wheels for GPUs.
 */
async function downloadLogged(pip: Pip, wanted: string, gpu: boolean, work: string) {
  if (gpu) {
    throw new Error(
      `${nameOf(pip)} is too old for --gpu, which needs pip 22.2 or later: ` +
        `\`${pip.python} -m pip install --upgrade pip\``,
    );
  }
  const log = join(work, 'pip.log');
  const reasons: string[] = [];
  for (const options of anyPython) {
    const args = downloadInto(work, ...options, '--log', log, wanted);
    const what = `${nameOf(pip)}: pip download ${wanted}`;
    const limit = DOWNLOAD_LIMIT.cpu;
    const failed = await runShown(pip.python, args, what, limit, environmentIn(work)).catch(
      (error: Error) => error.message,
    );
    if (failed === undefined) return [hashInLog(await fs.readFile(log, 'utf8'), wheelIn(work))];
    reasons.push(failed);
  }
  throw new Error(`${nameOf(pip)} finds no wheel of ${wanted}: ${reasons[0]}`);
}

function wheelIn(work: string): string {
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip download must leave 1 wheels, but has left 0');
  return wheel;
}

/** The SHA-256 in the index's link to that wheel. */
export function hashInLog(log: string, wheel: string): string {
  for (const [, address, sha256] of log.matchAll(/(\S+\.whl)#sha256=([0-9a-f]{64})/g)) {
    if (basename(decodeURIComponent(address!)) === wheel) return sha256!;
  }
  throw noHash(wheel);
}
