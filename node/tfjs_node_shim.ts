/**
 * tfjs-node 4.22 calls two functions of `util` that Node 23 removed (tfjs#8609); this restores them if they are
 * missing. They are called late, so the order of imports does not matter.
 */
import util from 'node:util';

const legacy = util as unknown as Record<string, unknown>;
legacy.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
legacy.isArray ??= Array.isArray;
