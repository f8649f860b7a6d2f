// Tests run from the TypeScript sources; examples and tests import the package by its own name.
module.exports = {
  testEnvironment: '<rootDir>/__tests__/support/environment.cjs',
  globalSetup: '<rootDir>/__tests__/support/build_sources.ts',
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/properties.ts'],
  roots: ['<rootDir>/__tests__'],
  testMatch: ['**/*.test.ts'],
  maxWorkers: 2,
  // For a test that hangs. A machine that is busy with other work takes its time, and meets it.
  testTimeout: 600_000,
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }],
  },
  moduleNameMapper: {
    '^tfjs-spikingformer$': '<rootDir>/index.ts',
    '^tfjs-spikingformer/(node|datasets|analysis|training)$': '<rootDir>/$1/index.ts',
  },
};
