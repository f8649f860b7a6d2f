/**
 * What all copies of this library in one process have in common: an ES module and a CommonJS dependency
 * each load their own, and layers of the one are observed by the other.
 */

/** That of package.json, which a test holds. */
export const VERSION = '0.1.0';

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
      `All copies of tfjs-spikingformer in one process must be of one version, but got ${there.version} and ` +
        `${VERSION}: layers of the one would be strangers to the other. \`npm ls tfjs-spikingformer\` shows who ` +
        'brings which; `npm dedupe`, or "overrides" in package.json, leaves one',
    );
  }
  return there;
}

/** The part of that name, made by the first copy that asks: call it where a module would keep state. */
export function shared<T extends object>(name: string, make: () => T): T {
  const { parts } = commons();
  if (!parts.has(name)) parts.set(name, make());
  return parts.get(name) as T;
}
