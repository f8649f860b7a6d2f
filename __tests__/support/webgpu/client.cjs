/**
 * WebGPU for tests that read at once: tfjs reads tensors with `dataSync()` through a canvas, which Node
 * has not, and which takes the GPU process of headless Chromium down. Here the device lives in a worker
 * (server.cjs); calls are sent to it, and a read waits for the answer on shared memory.
 */

/** A GPU made of software on a machine that is busy with other work takes its time. */
const PATIENCE_MS = 600_000;

/** Things that stand for the server's, by number. */
const ID = Symbol('id');

/**
 * A `navigator.gpu` whose calls go to the server at the other end of `post`. `memory` is shared with it:
 * `word`, two 32-bit numbers (how it went, and how many bytes), and `answer`, the bytes of one answer.
 */
function connect(post, memory) {
  const word = new Int32Array(memory.word);
  const answer = new Uint8Array(memory.answer);
  let queue = [];
  let lastId = 0;

  const forgotten = new FinalizationRegistry((id) => queue.push({ forget: id }));

  /** Arguments as they are sent: our stand-ins by their number. */
  const pack = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if (value[ID] !== undefined) return { ref: value[ID] };
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.slice(0);
    if (Array.isArray(value)) return value.map(pack);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, pack(inner)]));
  };

  const flush = () => {
    if (queue.length > 0) post(queue);
    queue = [];
  };

  /** Sends a request and waits: its answer is text or bytes. Errors of calls before it are thrown here. */
  const ask = (request) => {
    Atomics.store(word, 0, 0);
    queue.push({ ask: request });
    flush();
    // The server may be held up between an answer and its notice, which then wakes the next wait.
    while (Atomics.load(word, 0) === 0) {
      if (Atomics.wait(word, 0, 0, PATIENCE_MS) === 'timed-out')
        throw new Error(`WebGPU does not answer within ${PATIENCE_MS / 1000} s`);
    }
    const bytes = answer.slice(0, word[1]);
    if (Atomics.load(word, 0) === 2) throw new Error(new TextDecoder().decode(bytes));
    return bytes;
  };
  const askText = (request) => JSON.parse(new TextDecoder().decode(ask(request)));

  /** A stand-in: every method that it has not of its own is called at the server, and gives another. */
  const standIn = (own) => {
    const id = own[ID] ?? ++lastId;
    own[ID] = id;
    const proxy = new Proxy(own, {
      get: (target, key) => {
        if (key in target || typeof key === 'symbol' || key === 'then') return target[key];
        return (...args) => {
          const result = standIn({});
          queue.push({ id: result[ID], on: id, method: key, args: pack(args) });
          if (key === 'submit') flush();
          return result;
        };
      },
    });
    forgotten.register(proxy, id);
    return proxy;
  };

  class GPUBuffer {
    constructor(device, descriptor) {
      this[ID] = ++lastId;
      this.size = descriptor.size;
      this.usage = descriptor.usage;
      this.mapState = descriptor.mappedAtCreation ? 'mapped' : 'unmapped';
      this.bytes = descriptor.mappedAtCreation ? new ArrayBuffer(descriptor.size) : null;
      queue.push({ id: this[ID], on: device, method: 'createBuffer', args: [descriptor] });
      forgotten.register(this, this[ID]);
    }
    /** For reading: what is written at creation is mapped already. */
    async mapAsync() {
      this.mapState = 'mapped';
      this.bytes = this.read();
    }
    getMappedRange() {
      return this.bytes;
    }
    unmap() {
      if (!(this.usage & GPUBufferUsage.MAP_READ))
        queue.push({ fill: this[ID], bytes: this.bytes });
      this.mapState = 'unmapped';
      this.bytes = null;
    }
    destroy() {
      queue.push({ id: 0, on: this[ID], method: 'destroy', args: [] });
    }
    /** Its bytes, at once. */
    read() {
      const whole = new Uint8Array(this.size);
      for (let at = 0; at < this.size; at += answer.length) {
        const size = Math.min(answer.length, this.size - at);
        whole.set(ask({ read: this[ID], at, size }), at);
      }
      return whole.buffer;
    }
  }

  const requestDevice = async (descriptor) => {
    const { limits } = askText({ device: pack(descriptor) });
    const own = { [ID]: 'device', limits, features: new Set(), lost: new Promise(() => {}) };
    own.queue = standIn({ [ID]: 'queue' });
    own.createBuffer = (wanted) => new GPUBuffer('device', wanted);
    return standIn(own);
  };
  const requestAdapter = async (options) => {
    const { limits, info } = askText({ adapter: pack(options) });
    return { limits, info, features: new Set(), requestDevice };
  };
  return { gpu: { requestAdapter, getPreferredCanvasFormat: () => 'bgra8unorm' }, GPUBuffer };
}

/** Has tfjs's backend read tensors through this client. */
function readAtOnce(backend, util) {
  const stock = backend.readSync;
  backend.readSync = function (dataId) {
    const data = this.tensorMap.get(dataId);
    if (data.values != null || !data.resource) return stock.call(this, dataId);
    this.endComputePassEncoder();
    if (this.commandEncoder) this.submitQueue();
    const values = util.convertBackendValuesAndArrayBuffer(data.resource.read(), data.dtype);
    this.convertAndCacheOnCPU(dataId, values);
    return values;
  };
}

/** Names that Node lacks, as WebGPU's specification numbers them. */
const GPUBufferUsage = {
  MAP_READ: 0x1,
  MAP_WRITE: 0x2,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  INDEX: 0x10,
  VERTEX: 0x20,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  INDIRECT: 0x100,
  QUERY_RESOLVE: 0x200,
};
const GPUMapMode = { READ: 1, WRITE: 2 };

module.exports = { connect, readAtOnce, GPUBufferUsage, GPUMapMode };
