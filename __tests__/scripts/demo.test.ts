/** `npm run demo`: its port in a sentence, and servers that leave each other's files alone. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { root } from '../support/process';

const script = join(root, 'scripts/demo.mjs');

async function started() {
  const child = spawn(process.execPath, [script, '--port', '0'], { cwd: root });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { child, address: /^http:\/\/localhost:\d+\//.exec(line)![0] };
}

const statusOf = async (address: string) =>
  (await fetch(address.replace('localhost', '127.0.0.1'))).status;

test('a second server takes nothing from the first, and each ends with Ctrl-C', async () => {
  const first = await started();
  const second = await started();
  for (const file of [
    ...['', 'main.js', 'worker.js', 'style.css', 'models.json', 'weights/digits/model.json'],
    ...['tfjs-backend-wasm-simd.wasm', 'digits/t10k-labels-idx1-ubyte'],
  ]) {
    expect(await statusOf(first.address + file)).toBe(200);
  }
  expect(await statusOf(`${first.address}..%2fpackage.json`)).toBe(404);
  expect(await statusOf(`${first.address}%`)).toBe(404);
  second.child.kill('SIGINT');
  await once(second.child, 'close');
  expect(await statusOf(first.address)).toBe(200);
  first.child.kill('SIGTERM');
  expect((await once(first.child, 'close'))[0]).toBe(0);
});

test('a port that is taken: a sentence, and no page is left', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [script, '--port', String(port)], { cwd: root });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [status] = await once(child, 'close');
  server.close();
  expect(said).toMatch(
    new RegExp(`^error: port ${port} is taken: npm run demo -- --port \\d+ takes another\\n$`),
  );
  expect(status).toBe(2);
});

test.each([
  [['--port', '80000'], "--port must be a whole number from 0 to 65535, but got '80000'"],
  [['--port', 'x'], "--port must be a whole number from 0 to 65535, but got 'x'"],
  [['--prt', '1'], "Unknown option '--prt': there are --port N and --build"],
])('%j: a sentence, status 2', (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: `error: ${message}\n` });
});
