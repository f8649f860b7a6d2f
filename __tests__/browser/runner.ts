/**
 * What jest gives a test file, for a page: describe, test, hooks, expect. The bundle of a test file is
 * loaded after this; then `runTests()` says how each of its tests fared.
 */
import { expect } from 'expect';
import { ModuleMocker } from 'jest-mock';

type Body = () => unknown;
type Hook = 'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach';

interface Suite {
  name: string;
  parent?: Suite;
  /** Tests and suites in the order of the file. */
  children: (Suite | Test)[];
  hooks: Record<Hook, Body[]>;
}

interface Test {
  name: string;
  body: Body;
  skipped: boolean;
}

export interface TestResult {
  name: string;
  status: 'passed' | 'failed' | 'skipped';
  milliseconds: number;
  error?: string;
}

function suite(name: string, parent?: Suite): Suite {
  const hooks = { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] };
  return { name, parent, children: [], hooks };
}

const root = suite('');
let current = root;

/** jest's names of parametrized tests: `%s`, `%i`, `%f`, `%j` in turn. */
function titled(name: string, values: readonly unknown[]): string {
  const rest = [...values];
  return name.replace(/%([sifdjpo])/g, (_, kind) => {
    const value = rest.shift();
    return /[jpo]/.test(kind) ? JSON.stringify(value) : String(value);
  });
}

type Row = readonly unknown[];

/** jest's `each`: a row is spread over the arguments, anything else is the one argument. */
function each(define: (name: string, body: Body) => void) {
  return (table: readonly unknown[]) => (name: string, body: (...row: Row) => unknown) => {
    for (const entry of table) {
      const row = Array.isArray(entry) ? entry : [entry];
      define(titled(name, row), () => body(...row));
    }
  };
}

function describe(name: string, body: Body): void {
  const inner = suite(name, current);
  current.children.push(inner);
  current = inner;
  try {
    body();
  } finally {
    current = inner.parent!;
  }
}

function test(name: string, body: Body): void {
  current.children.push({ name, body, skipped: false });
}

const skip = (name: string) => {
  current.children.push({ name, body: () => {}, skipped: true });
};
/** Its tests are listed, as skipped. */
const skipSuite = (name: string, body: Body) => {
  const mark = (s: Suite) => {
    for (const child of s.children) {
      if ('children' in child) mark(child);
      else child.skipped = true;
    }
  };
  describe(name, body);
  mark(current.children.at(-1) as Suite);
};
const hook = (kind: Hook) => (body: Body) => {
  current.hooks[kind].push(body);
};

const testWithEach = Object.assign(test, { each: each(test), skip });
Object.assign(globalThis, {
  describe: Object.assign(describe, { each: each(describe), skip: skipSuite }),
  test: testWithEach,
  it: testWithEach,
  expect,
  jest: new ModuleMocker(globalThis as never),
  beforeAll: hook('beforeAll'),
  afterAll: hook('afterAll'),
  beforeEach: hook('beforeEach'),
  afterEach: hook('afterEach'),
});

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function runTest(path: Suite[], { name, body, skipped }: Test): Promise<TestResult> {
  const full = [...path.slice(1).map((s) => s.name), name].join(' > ');
  if (skipped) return { name: full, status: 'skipped', milliseconds: 0 };
  const start = performance.now();
  const failures: string[] = [];
  const attempt = async (run: Body) => {
    try {
      await run();
    } catch (error) {
      failures.push(describeError(error));
    }
  };
  for (const s of path) for (const each of s.hooks.beforeEach) await attempt(each);
  if (failures.length === 0) await attempt(body);
  for (const s of [...path].reverse()) for (const each of s.hooks.afterEach) await attempt(each);
  const milliseconds = performance.now() - start;
  if (failures.length === 0) return { name: full, status: 'passed', milliseconds };
  return { name: full, status: 'failed', milliseconds, error: failures.join('\n') };
}

/** A suite's results; where one of its beforeAll hooks fails, so do all of its tests. */
async function runSuite(s: Suite, path: Suite[], report: (result: TestResult) => void) {
  const inside = [...path, s];
  let broken: unknown;
  for (const each of s.hooks.beforeAll) {
    try {
      await each();
    } catch (error) {
      broken ??= error;
    }
  }
  for (const child of s.children) {
    if (broken !== undefined) refuse(child, inside, broken, report);
    else if ('children' in child) await runSuite(child, inside, report);
    else report(await runTest(inside, child));
  }
  for (const each of s.hooks.afterAll) await each();
}

function refuse(
  child: Suite | Test,
  path: Suite[],
  error: unknown,
  report: (result: TestResult) => void,
): void {
  if ('children' in child) {
    for (const inner of child.children) refuse(inner, [...path, child], error, report);
    return;
  }
  const name = [...path.slice(1).map((s) => s.name), child.name].join(' > ');
  report({ name, status: 'failed', milliseconds: 0, error: `beforeAll: ${describeError(error)}` });
}

/** Runs what the loaded file has described. */
export async function runTests(): Promise<TestResult[]> {
  const results: TestResult[] = [];
  await runSuite(root, [], (result) => results.push(result));
  return results;
}

Object.assign(globalThis, { runTests });
