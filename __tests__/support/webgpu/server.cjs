/** The other end of client.cjs, in a worker of Node or of a page: makes the calls on the real device. */

/** Serves one client. Returns what takes its messages; `gpu` is a real `navigator.gpu`. */
function serve(gpu, memory) {
  const word = new Int32Array(memory.word);
  const answer = new Uint8Array(memory.answer);
  const things = new Map();
  const errors = [];

  const unpack = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if (value.ref !== undefined) return things.get(value.ref);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
    if (Array.isArray(value)) return value.map(unpack);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpack(inner)]));
  };

  const reply = (status, bytes) => {
    answer.set(bytes);
    word[1] = bytes.length;
    Atomics.store(word, 0, status);
    Atomics.notify(word, 0);
  };

  /** Limits as plain numbers: they are getters of a prototype. */
  const plain = (limits) => {
    const numbers = {};
    for (const name in limits) if (typeof limits[name] === 'number') numbers[name] = limits[name];
    return numbers;
  };
  const text = (value) => new TextEncoder().encode(JSON.stringify(value));

  /** What lies in a buffer when all before it is done. */
  async function read({ read: id, at, size }) {
    const device = things.get('device');
    const source = things.get(id);
    if (source.usage & 0x1) {
      await source.mapAsync(1, at, size);
      const bytes = new Uint8Array(source.getMappedRange(at, size).slice(0));
      source.unmap();
      return bytes;
    }
    const staging = device.createBuffer({ size, usage: 0x1 | 0x8 }); // MAP_READ, COPY_DST
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, at, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(1); // READ
    const bytes = new Uint8Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return bytes;
  }

  async function respond(request) {
    if (request.read !== undefined) return read(request);
    if ('adapter' in request) {
      const adapter = await gpu.requestAdapter(request.adapter);
      if (!adapter) throw new Error('there is no WebGPU adapter');
      things.set('adapter', adapter);
      const { vendor, architecture, device, description } = adapter.info;
      const info = { vendor, architecture, device, description };
      return text({ limits: plain(adapter.limits), info });
    }
    const device = await things.get('adapter').requestDevice(request.device);
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    device.lost.then(({ message }) => errors.push(`the device was lost: ${message}`));
    things.set('device', device);
    things.set('queue', device.queue);
    return text({ limits: plain(device.limits) });
  }

  async function answerTo(request) {
    try {
      const bytes = await respond(request);
      if (errors.length > 0) throw new Error(errors.splice(0).join('\n'));
      reply(1, bytes);
    } catch (error) {
      reply(2, new TextEncoder().encode(String(error?.message ?? error)));
    }
  }

  return async (commands) => {
    for (const command of commands) {
      if (command.ask) await answerTo(command.ask);
      else if (command.forget !== undefined) things.delete(command.forget);
      else if (command.fill !== undefined) {
        const buffer = things.get(command.fill);
        new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(command.bytes));
        buffer.unmap();
      } else {
        try {
          const result = things.get(command.on)[command.method](...unpack(command.args));
          if (result !== undefined && command.id) things.set(command.id, result);
        } catch (error) {
          errors.push(`${command.method}: ${error.message}`);
        }
      }
    }
  };
}

module.exports = { serve };
