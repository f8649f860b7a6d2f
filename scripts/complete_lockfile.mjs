/**
 * Completes package-lock.json after `npm install` from a registry mirror that lacks some binaries
 * of other platforms: npm then leaves these optional packages out, and `npm ci` refuses the file.
 * Their versions stand in the packages that ask for them, their platforms in their names.
 * With --check nothing is written, and a gap is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(path, 'utf8'));
const { packages } = lock;

const PLATFORM =
  /-(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/;
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** Where npm would find `name` for the package at `from`, or undefined. */
function found(from, name) {
  const steps = from === '' ? [] : from.split('/node_modules/');
  for (let depth = steps.length; depth >= 0; depth--) {
    const place = [...steps.slice(0, depth), name].join('/node_modules/');
    const key = depth === 0 ? `node_modules/${name}` : place;
    if (packages[key]) return key;
  }
  return undefined;
}

const added = [];
for (const [from, parent] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = found(from, name);
    const exact = /^\d+\.\d+\.\d+$/.test(version);
    if (place && !(exact && packages[place].version !== version)) continue;
    const platform = PLATFORM.exec(name);
    if (!exact || !platform)
      throw new Error(`${from} asks for ${name}@${version}: unknown platform`);
    const [, os, cpu, abi] = platform;
    added.push(`${name}@${version}`);
    packages[place ? `${from}/node_modules/${name}` : `node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(parent.dev && { dev: true }),
      ...(os === 'linux' && LIBC[abi] && { libc: [LIBC[abi]] }),
      optional: true,
      os: [os],
    };
  }
}

if (added.length === 0) {
  console.log('package-lock.json is complete');
} else if (process.argv.includes('--check')) {
  console.error(
    `package-lock.json lacks ${added.join(', ')}: run node scripts/complete_lockfile.mjs`,
  );
  process.exitCode = 1;
} else {
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added ${added.length}: ${added.join(', ')}`);
}
