/**
 * `npm run test:browser [-- --on webgpu|webgl|node] [--json FILE] [NAME...]`: the suites of lib, layers,
 * models and analysis on webgpu and webgl in headless Chromium, each file in a page of its own, and on
 * webgpu in Node (Dawn, from the npm package webgpu): the files that jest runs, on webgpu all of them. A file
 * that is named runs wherever it is asked for. SwiftShader is the GPU of all three. The last line is
 * `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './browser/bundle.mjs';
import { launchChromium, openPage } from './browser/chromium.mjs';
import { ISOLATION, serve } from './browser/serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tests = join(root, '__tests__');
const ROOMS = ['lib', 'layers', 'models', 'analysis'];
/** What computes on the page's backend; jest has the rest. */
const COMPUTES = /\bdescribe(EachBackend|FasterBackends|LayerParity|ModelParity)\b/;
/** Those of them that are about Node, or about more than what a backend computes. */
const ELSEWHERE = [
  'analysis/activity',
  'analysis/gradient_study',
  'models/fresh_process',
  'models/next_steps',
  'models/quantize',
  'models/trained_models',
];
/** What runs in Node, too, on the kernels that Chromium tests with all the rest: the math, and one family's layers. */
const IN_NODE = /^lib\/|^layers\/parity$/;
/** The other families' fixtures, which run on webgpu alone: webgl has their layers by layers/every_layer, its math by lib. */
const NOT_ON_WEBGL = /^(layers|models)\/(?!spikingformer)\w+_parity$/;
/** SwiftShader takes its time over a model: half a minute, and ten on a machine that is busy. */
const TEST_FILE_MS = 900_000;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    on: { type: 'string', multiple: true, default: ['webgpu', 'webgl', 'node'] },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const everything = positionals.length === 0;

function testFiles() {
  const names = ROOMS.flatMap((room) =>
    readdirSync(join(tests, room))
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => `${room}/${file.slice(0, -'.test.ts'.length)}`),
  );
  const wanted = (name) => everything || positionals.some((p) => name.includes(p));
  const computes = (name) => COMPUTES.test(readFileSync(join(tests, `${name}.test.ts`), 'utf8'));
  return names.filter((name) => wanted(name) && computes(name) && !ELSEWHERE.includes(name)).sort();
}

const PAGE = `<!doctype html><title>tests</title><link rel="icon" href="data:,"><script>
  function run(file, backend) {
    const memory = {
      word: new SharedArrayBuffer(8),
      answer: new SharedArrayBuffer(16 * 1024 * 1024),
    };
    const { port1, port2 } = new MessageChannel();
    const gpu = new Worker('/browser/gpu_worker.js', { type: 'module' });
    gpu.postMessage({ memory, port: port1 }, [port1]);
    const tests = new Worker('/browser/test_worker.js', { type: 'module' });
    tests.postMessage({ file, backend, memory, port: port2 }, [port2]);
    return new Promise((resolve) => {
      tests.onmessage = ({ data }) => resolve(data);
      tests.onerror = ({ message }) => resolve({ error: message });
    });
  }
</script>`;

/** One test file in a page: its results, or the one failure that it does not run at all. */
async function runFile(browser, address, name, backend) {
  const tab = await openPage(browser);
  const start = Date.now();
  const late = new Promise((resolve) => {
    const error = `took longer than ${TEST_FILE_MS / 1000} s`;
    setTimeout(() => resolve({ error }), TEST_FILE_MS).unref();
  });
  await tab.goto(`${address}/index.html`);
  const run = ([file, backend]) => globalThis.run(file, backend);
  const outcome = await Promise.race([tab.evaluate(run, [`/${name}.js`, backend]), late]).catch(
    (error) => ({ error: String(error) }),
  );
  await tab.close();
  const broken = { name: 'the file runs', status: 'failed', milliseconds: 0, error: outcome.error };
  const seconds = (Date.now() - start) / 1000;
  return { name, backend, seconds, results: outcome.results ?? [broken] };
}

const count = (files, status) =>
  files.reduce((n, file) => n + file.results.filter((r) => r.status === status).length, 0);

function show({ name, backend, seconds, results }) {
  const failed = results.filter((r) => r.status === 'failed');
  const passed = results.filter((r) => r.status === 'passed').length;
  console.log(
    `${failed.length > 0 ? 'FAIL' : 'ok  '} ${backend} ${name}: ${passed} passed` +
      `${failed.length > 0 ? `, ${failed.length} failed` : ''} (${seconds.toFixed(1)} s)`,
  );
  for (const { name: test, error } of failed) {
    console.log(
      `  x ${test}\n${(error ?? '')
        .split('\n')
        .slice(0, 12)
        .map((line) => `      ${line.slice(0, 300)}`)
        .join('\n')}`,
    );
  }
  if (options.verbose) {
    for (const r of results)
      console.log(`  ${r.status} ${Math.round(r.milliseconds)} ms ${r.name}`);
  }
}

/**
 * The same files by jest, in Node. Chromium brings the Vulkan loader and the SwiftShader that Dawn uses.
 * Where Dawn takes the process down with it, which no test can see to, once more.
 */
async function runInNode(names, folder, tries = 2) {
  if (names.length === 0) return [];
  const chromium = process.env.CHROMIUM_LIBRARIES ?? '/usr/lib/chromium';
  const report = join(folder, 'jest.json');
  const paths = names.map((name) => `__tests__/${name}.test.ts`);
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const child = spawn(
    process.execPath,
    [jest, '--runInBand', '--silent', '--json', `--outputFile=${report}`, ...paths],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        SPIKINGFORMER_TEST_BACKENDS: 'webgpu',
        VK_ICD_FILENAMES: join(chromium, 'vk_swiftshader_icd.json'),
        LD_LIBRARY_PATH: [chromium, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      },
    },
  );
  let said = '';
  child.stderr.on('data', (text) => {
    said = (said + text).slice(-2000);
  });
  const [status, signal] = await once(child, 'close');
  if (!existsSync(report)) {
    const error = `${signal ?? `status ${status}`}\n${said.trim()}`;
    const again = signal && tries > 1;
    console.log(`jest in Node ended without a report${again ? ', once more' : ''}: ${error}`);
    if (again) return runInNode(names, folder, tries - 1);
    const result = { name: 'jest reports', status: 'failed', milliseconds: 0, error };
    return [{ name: 'every file', backend: 'node', seconds: 0, results: [result] }];
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return testResults.map(({ name: path, startTime, endTime, assertionResults, message }) => {
    const broken = { name: 'the file runs', status: 'failed', milliseconds: 0, error: message };
    const results = assertionResults.map((r) => ({
      name: [...r.ancestorTitles, r.title].join(' > '),
      status: r.status === 'passed' || r.status === 'failed' ? r.status : 'skipped',
      milliseconds: r.duration ?? 0,
      error: r.failureMessages.join('\n'),
    }));
    return {
      name: relative(tests, path).slice(0, -'.test.ts'.length),
      backend: 'node',
      seconds: (endTime - startTime) / 1000,
      results: results.length > 0 ? results : [broken],
    };
  });
}

async function runInChromium(names, backends, folder) {
  await bundle(names, folder);
  symlinkSync(join(tests, 'fixtures'), join(folder, 'fixtures'));
  writeFileSync(join(folder, 'index.html'), PAGE);
  // Shared memory is for pages that no other origin can look into.
  const server = await serve(folder, { headers: ISOLATION });
  const jobs = names.flatMap((name) =>
    backends
      .filter((backend) => !everything || backend !== 'webgl' || !NOT_ON_WEBGL.test(name))
      .map((backend) => [name, backend]),
  );
  // Two browsers: the one GPU process of each computes for all of its pages, one after the other.
  const lane = async () => {
    const browser = await launchChromium();
    const ran = [];
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      ran.push(await runFile(browser, server.address, ...job));
      show(ran.at(-1));
    }
    await browser.close();
    return ran;
  };
  const files = await Promise.all([lane(), lane()]);
  await server.close();
  return files.flat();
}

const names = testFiles();
if (names.length === 0) throw new Error(`no test file is named ${positionals.join(' or ')}`);
const folder = mkdtempSync(join(tmpdir(), 'spikingformer-browser-'));
const files = [];
try {
  const backends = options.on.filter((place) => place !== 'node');
  const [inChromium, inNode] = await Promise.all([
    backends.length > 0 ? runInChromium(names, backends, folder) : [],
    options.on.includes('node')
      ? runInNode(
          names.filter((name) => !everything || IN_NODE.test(name)),
          folder,
        )
      : [],
  ]);
  inNode.forEach(show);
  files.push(...inChromium, ...inNode);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (options.json) writeFileSync(options.json, JSON.stringify(files, null, 1));
for (const place of options.on) {
  const there = files.filter((file) => file.backend === place);
  const seconds = there.reduce((sum, file) => sum + file.seconds, 0);
  console.log(
    `${place}: ${count(there, 'passed')} passed, ${count(there, 'failed')} failed in ${seconds.toFixed(0)} s`,
  );
}
console.log(`${count(files, 'passed')} passed, ${count(files, 'failed')} failed`);
process.exitCode = count(files, 'failed') > 0 ? 1 : 0;
