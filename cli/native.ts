/** `spikingformer native`: builds tfjs-node for a TensorFlow, with this library's ops, and undoes that. */
import { installNative, removeNative } from '../node/native/install';
import { installMpi } from '../node/native/mpi';

export interface InstallArguments {
  tensorflow?: string;
  version?: string;
  gpu?: boolean;
  force?: boolean;
  mpi?: boolean;
}

/** On a terminal, a line on stderr that is overwritten; else one line at the end. */
function unpackProgress(): (done: number, total: number) => void {
  let shown = -1;
  return (done, total) => {
    const percent = Math.floor((100 * done) / Math.max(total, 1));
    if (percent === shown) return;
    shown = percent;
    const text = `unpacking ${(total / 1e6).toFixed(0)} MB: ${percent} %`;
    if (process.stderr.isTTY) process.stderr.write(`\r${text}${percent === 100 ? '\n' : ''}`);
    else if (percent === 100) process.stderr.write(`${text}\n`);
  };
}

/** The output of a compiler or pip has many lines: print them before the one that sums it up. */
function inOneLine(error: Error): never {
  const [first, ...details] = error.message.split('\n');
  if (details.length > 0) console.error(details.join('\n'));
  throw new Error(first, { cause: error });
}

export async function install({ mpi, ...options }: InstallArguments): Promise<void> {
  const log = (line: string) => console.error(line);
  if (mpi) {
    const library = await installMpi(log).catch(inOneLine);
    console.log(`training on several machines works through ${library}`);
    return;
  }
  const started = Date.now();
  const onUnpack = unpackProgress();
  const result = await installNative({ ...options, log, onUnpack }).catch(inOneLine);
  const { tfjsNode, ops } = result;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(
    `${tfjsNode.name} ${tfjsNode.version} computes with TensorFlow ${result.tensorflow}` +
      `${result.gpu ? ' on the GPU' : ''}; the native ops work ` +
      `(${ops!.instructionSet}, ${ops!.threads} threads)` +
      `${result.unchanged ? '; there was nothing to do' : `; ${seconds} s`}`,
  );
}

export async function remove(options: { gpu?: boolean }): Promise<void> {
  const { tfjsNode, removed } = await removeNative(options);
  console.log(
    removed
      ? `${tfjsNode.name} in ${tfjsNode.folder} is restored`
      : `${tfjsNode.name} in ${tfjsNode.folder} is the original`,
  );
}
