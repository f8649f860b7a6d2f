/** What pip answers is checked before it is believed: pips that are shell scripts, with answers of all kinds. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile } from '../../../node/files/hash';
import { downloadWheels, hashInLog } from '../../../node/native/pip';
import { temporaryDirectory } from '../../support/process';
import { makePython } from './_fakes';

const directory = temporaryDirectory();
const newFolder = () => mkdtempSync(join(directory, 'with a space '));
const version = '2.21.0';

interface Answers {
  /** What `pip install --report` prints; undefined: the report of `wheels`. */
  report?: string;
  /** Names of the wheels that `pip download` leaves. */
  wheels?: string[];
  /** How the report names the package. */
  name?: string;
  archive?: (sha256: string) => object;
  pip?: string;
  /** What goes into the log of an older pip. */
  log?: string;
  gpu?: boolean;
}

/** Downloads through a pip that answers so. */
async function download({
  report,
  name = 'tensorflow_cpu',
  wheels = [`${name}-${version}-cp312-none-linux.whl`],
  archive = (sha256) => ({ hashes: { sha256 } }),
  pip = '24.0',
  log = 'Found link https://index.example/a/WHEEL#sha256=HASH (from x)',
  gpu = false,
}: Answers) {
  const folder = newFolder();
  writeFileSync(join(folder, 'wheel'), name);
  const { digest: sha256 } = await hashFile(join(folder, 'wheel'), 'sha256');
  const install = [
    { metadata: { name, version }, download_info: { archive_info: archive(sha256) } },
  ];
  writeFileSync(join(folder, 'report'), report ?? JSON.stringify({ install }, null, 2));
  writeFileSync(join(folder, 'log'), log.replace('WHEEL', wheels[0] ?? '').replace('HASH', sha256));
  const python = makePython(
    folder,
    `here='${folder}'
printf '%s\\n' "$*" >> "$here/calls"
if [ "$3" = install ]; then cat "$here/report"; exit 0; fi
while [ $# -gt 0 ]; do
  case "$1" in -d) to="$2";; --log) cp "$here/log" "$2";; esac
  shift
done
${wheels.map((wheel) => `cp "$here/wheel" "$to/${wheel}"`).join('\n')}`,
  );
  const work = newFolder();
  const wanted = `tensorflow-cpu==${version}`;
  const files = await downloadWheels({ python, version: pip }, wanted, gpu, work);
  return { files, work, calls: readFileSync(join(folder, 'calls'), 'utf8') };
}

describe('a report', () => {
  test.each(['tensorflow-cpu', 'tensorflow_cpu', 'tensorflow.cpu', 'Tensorflow-CPU', 'TensorFlow'])(
    'names the package %s',
    async (name) => {
      const { files, calls } = await download({ name });
      expect(files).toHaveLength(1);
      expect(calls).toMatch(/--require-hashes/);
    },
  );

  test.each(['nvidia_cublas_cu12', 'NVIDIA.cublas-cu12'])(
    'for GPUs names %s beside',
    async (name) => {
      const hashes = { hashes: { sha256: 'a'.repeat(64) } };
      const each = (name: string) => ({
        metadata: { name, version },
        download_info: { archive_info: hashes },
      });
      const install = ['tensorflow', name, 'numpy', 'nvidiafoo'].map(each);
      const fetched = download({ report: JSON.stringify({ install }), gpu: true });
      await expect(fetched).rejects.toThrow(/must leave 2 wheels, but has left 1/);
    },
  );

  test("has pip 22's form of the hash", async () => {
    const old = await download({ archive: (sha256) => ({ hash: `sha256=${sha256}` }) });
    expect(old.files).toHaveLength(1);
  });

  test('may have warnings before it and after it', async () => {
    const install = [
      {
        metadata: { name: 'tensorflow', version },
        download_info: { archive_info: { hashes: { sha256: 'b'.repeat(64) } } },
      },
    ];
    const report = `{shim}\nWARNING: {old}\n${JSON.stringify({ install }, null, 2)}\n[notice] update\n{end}\n`;
    await expect(download({ report })).rejects.toThrow(/must have SHA-256 b{64}/); // it was read
  });

  test.each<[string, Answers, RegExp]>([
    ['nothing', { report: '' }, /must print a report, but printed nothing$/],
    [
      'no JSON',
      { report: 'all is well' },
      /must be JSON, but is not \(there is no object in it\): "all is well"$/,
    ],
    ['half of it', { report: '{\n "install": [{}\n' }, /pip's report must be JSON, but is not/],
    ['another kind of JSON', { report: '{}' }, /pip's report is invalid: install: /],
    ['a wheel without a name', { report: '{"install": [{}]}' }, /report is invalid: install\.0\./],
    [
      'no wheel',
      { report: '{"install": []}' },
      /finds tensorflow-cpu==2\.21\.0, but its report names no wheel of TensorFlow/,
    ],
    ['other wheels', { name: 'numpy' }, /its report names no wheel of TensorFlow$/],
    [
      'no hashes',
      { archive: () => ({}) },
      /the index gives no SHA-256 to verify tensorflow_cpu==2\.21\.0/,
    ],
    ['another hash', { archive: () => ({ hashes: { md5: 'a' } }) }, /gives no SHA-256 to verify/],
    ['half a hash', { archive: () => ({ hash: 'sha256=abc' }) }, /gives no SHA-256 to verify/],
  ])('with %s is refused, and nothing is downloaded', async (_, answers, message) => {
    await expect(download(answers)).rejects.toThrow(message);
  });
});

describe('a download', () => {
  test('that leaves nothing, or too much, is refused', async () => {
    await expect(download({ wheels: [] })).rejects.toThrow(/must leave 1 wheels, but has left 0/);
    await expect(download({ wheels: ['a.whl', 'b.whl'] })).rejects.toThrow(/but has left 2/);
    await expect(download({ wheels: [], pip: '22.0' })).rejects.toThrow(/but has left 0/);
  });
});

describe('a pip that writes no reports', () => {
  test('downloads; its log has the hash', async () => {
    const { files, calls } = await download({ pip: '22.0.4' });
    expect(files).toHaveLength(1);
    expect(calls).not.toMatch(/--report|--require-hashes/);
    const encoded = 'https://x/tensorflow_cpu-2.21.0%2Blocal-cp312.whl#sha256=';
    expect(hashInLog(`${encoded}${'c'.repeat(64)}`, 'tensorflow_cpu-2.21.0+local-cp312.whl')).toBe(
      'c'.repeat(64),
    );
  });

  test('is refused if the index has none, or another', async () => {
    const pip = '22.0.4';
    await expect(download({ pip, log: 'Found link https://x/WHEEL' })).rejects.toThrow(
      /the index gives no SHA-256 to verify tensorflow_cpu-2\.21\.0-cp312-none-linux\.whl/,
    );
    const log = `Found link https://x/WHEEL#sha256=${'d'.repeat(64)}`;
    await expect(download({ pip, log })).rejects.toThrow(/must have SHA-256 d{64}/);
  });

  test('is refused for GPUs, with both versions', async () => {
    await expect(download({ pip: '21.3.1', gpu: true })).rejects.toThrow(
      /^pip 21\.3\.1 of .*python3 is too old for --gpu, which needs pip 22\.2 or later: `.* --upgrade pip`$/,
    );
  });
});

test('a pip that is too old for its Python is said to break, not to find nothing', async () => {
  const trace = 'Traceback (most recent call last):\n  File x\nAttributeError: no ImpImporter';
  const python = makePython(newFolder(), `printf '%s\\n' '${trace}' >&2; exit 1`);
  const asked = downloadWheels({ python, version: '22.3.1' }, 'tensorflow==2', false, newFolder());
  await expect(asked).rejects.toThrow(/^pip 22\.3\.1 of .*python3 breaks: AttributeError: no Imp/);
});

test('settings of the user that forbid an installation do not forbid a download', async () => {
  const folder = newFolder();
  const python = makePython(folder, `env > '${folder}/env'; exit 1`);
  const work = newFolder();
  const asked = downloadWheels({ python, version: '24.0' }, 'tensorflow==2', false, work);
  await expect(asked).rejects.toThrow(/^pip 24\.0 of .*python3 finds no wheel of tensorflow==2:/);
  expect(readFileSync(join(folder, 'env'), 'utf8')).toMatch(/^PIP_REQUIRE_VIRTUALENV=0$/m);
  expect(existsSync(join(work, 'unused'))).toBe(false);
});
