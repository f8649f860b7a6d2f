#!/usr/bin/env bash
# The suite on the backend `tensorflow`, with the native ops and without. In a copy of the project, since
# tfjs-node must not be among its dependencies: npm gets tfjs-node without its own download, `native
# install` fits it to the TensorFlow that pip gets. The last line has the counts of both runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CI="${CI:-true}"

copy="$(mktemp -d)/project"
trap 'rm -rf "$(dirname "$copy")"' EXIT
mkdir "$copy"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [[ -e "$file" ]]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --files-from=- | tar --extract --directory "$copy"
cp -a node_modules "$copy/"
cd "$copy"

seconds() { echo "--- $1: $((SECONDS - start)) s"; }
start=$SECONDS
npm install --save-dev --no-audit --no-fund --ignore-scripts --loglevel=error @tensorflow/tfjs-node@4.22.0
seconds 'npm install @tensorflow/tfjs-node'
start=$SECONDS
npx tsx cli/index.ts native install
seconds 'spikingformer native install'
npx tsx cli/index.ts doctor

# suite NAME VARIABLE=VALUE...: jest's counts are added to those of the runs before.
passed=0
failed=0
suite() {
  local name="$1" counts
  shift
  start=$SECONDS
  env SPIKINGFORMER_TEST_BACKENDS=tensorflow TF_CPP_MIN_LOG_LEVEL=2 "$@" npx jest \
    --setupFiles ./node/native_ops.ts --testPathIgnorePatterns wasm \
    --json --outputFile report.json lib layers models analysis || true
  counts="$(node -p 'const r = require("./report.json");
    `${r.numPassedTests} ${r.numFailedTests + r.numRuntimeErrorTestSuites}`')"
  rm report.json
  seconds "$name: ${counts% *} passed, ${counts#* } failed"
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
}
suite 'with the native ops' SPIKINGFORMER_TEST_NATIVE=1
suite 'without the native ops' SPIKINGFORMER_NATIVE_OPS=0
npx tsx cli/index.ts native remove

echo "$passed passed, $failed failed"
exit $((failed > 0))
