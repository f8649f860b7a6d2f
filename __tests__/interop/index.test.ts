/** The door of interop: what importing it needs. */

const missing = ['TextDecoder', 'TextEncoder', 'fetch', 'Blob', 'atob'] as const;

test('importing needs nothing that jsdom and Hermes lack', () => {
  const scope = globalThis as Record<string, unknown>;
  const own = missing.map((name) => [name, scope[name]] as const);
  for (const name of missing) delete scope[name];
  try {
    jest.isolateModules(() => {
      expect(typeof require('../../interop').readTorchCheckpoint).toBe('function');
    });
  } finally {
    for (const [name, value] of own) scope[name] = value;
  }
});
