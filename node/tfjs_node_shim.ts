/**
 * tfjs-node 4.22 calls two functions of `util` that Node 23 removed (tfjs#8609); this puts them
 * back where they are missing. It calls them late, so the order of imports does not matter.
 */
import util from 'node:util';

const legacy = util as unknown as Record<string, unknown>;
legacy.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
legacy.isArray ??= Array.isArray;
