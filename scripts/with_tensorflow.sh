#!/usr/bin/env bash
# with_tensorflow.sh COMMAND...: runs the command in a copy of the project that has tfjs-node, onnxruntime-node
# and the native ops, which must not be among its dependencies: npm gets both without their own downloads, `native
# install` fits it to a TensorFlow that is there or that pip gets. The copy stays in .cache/, for the next
# time; what the command writes to results/ lands in the project. Status 70: the copy could not be made.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $# -gt 0 ]] || { echo 'usage: with_tensorflow.sh COMMAND...' >&2; exit 2; }

root="$PWD"
copy="$root/.cache/with_tensorflow"
made=''
trap '[[ -n "$made" ]] || exit 70' EXIT
seconds() { echo "--- $1: $((SECONDS - start)) s" >&2; }
# limited MINUTES COMMAND...: the command, or an error that names it and the limit.
limited() {
  local status=0
  timeout --foreground --kill-after=10 "$1m" "${@:2}" || status=$?
  [[ $status -ne 124 && $status -ne 137 ]] || echo "error: ${*:2:3} did not end within $1 minutes" >&2
  return "$status"
}

mkdir -p "$copy"
if command -v flock >/dev/null; then
  exec 9>"$root/.cache/with_tensorflow.lock"
  flock 9 # until the command has ended
fi

# The sources as they are now; node_modules stay while they are of the same package-lock.json.
find "$copy" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name stamp -exec rm -rf {} +
limited 2 git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [[ -e "$file" ]]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --files-from=- | tar --extract --directory "$copy"
rm -rf "$copy/results"
mkdir -p "$root/results"
ln -s "$root/results" "$copy/results"
cd "$copy"

added=(@tensorflow/tfjs-node@4.22.0 onnxruntime-node@1.30.0)
stamp="${added[*]} $(sha256sum "$root/package-lock.json")"
if [[ ! -f stamp || "$(cat stamp)" != "$stamp" ]]; then
  start=$SECONDS
  rm -rf stamp node_modules
  cp -a "$root/node_modules/." node_modules # its contents: it may be a link to another checkout's
  limited 30 npm install --save-dev --no-audit --no-fund --ignore-scripts --loglevel=error \
    "${added[@]}" >&2
  echo "$stamp" >stamp
  seconds "npm install ${added[*]}"
fi
start=$SECONDS
npx tsx cli/index.ts native install >&2
seconds 'spikingformer native install'

made=yes
SPIKINGFORMER_COPY="$copy" "$@"
