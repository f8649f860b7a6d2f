/**
 * State that all copies of this library in one process share: an ES module and a CommonJS dependency each load a copy,
 * and one copy must observe the other's layers.
 */

/** The version in package.json; a test checks that. */
export const VERSION = '0.2.0';

interface Commons {
  version: string;
  parts: Map<string, unknown>;
}

const SLOT = Symbol.for('tfjs-spikingformer.shared');
type Slot = { [SLOT]?: Commons };

function commons(): Commons {
  const slot = globalThis as Slot;
  slot[SLOT] ??= { version: VERSION, parts: new Map() };
  const there = slot[SLOT];
  if (there.version !== VERSION) {
    throw new Error(
      `All copies of tfjs-spikingformer in one process must have the same version, but got ${there.version} and ` +
        `${VERSION}, which cannot use each other's layers. \`npm ls tfjs-spikingformer\` shows who depends on ` +
        'which; `npm dedupe`, or "overrides" in package.json, leaves one',
    );
  }
  return there;
}

/** The shared state of that name, made by the first copy that asks. Call it where a module would keep state. */
export function shared<T extends object>(name: string, make: () => T): T {
  const { parts } = commons();
  if (!parts.has(name)) parts.set(name, make());
  return parts.get(name) as T;
}
