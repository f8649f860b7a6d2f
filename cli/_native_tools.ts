/** The tools that `native install` would use on this machine: compiler, pip and TensorFlow. */

import { defaultCacheDir } from '../node/files/npm_tarball';
import { findCompiler } from '../node/native/build';
import { findPip } from '../node/native/python';
import { cachedTensorflow, DEFAULT_VERSION, findTensorflow } from '../node/native/tensorflow';

/** Each is named, or the reason why there is none. */
export interface NativeTools {
  compiler: string;
  pip: string;
  tensorflow: string;
  /** Pythons that do not run, for example because they hang, and why. */
  passedOver: string[];
}

export function nativeTools(): NativeTools {
  const passedOver: string[] = [];
  const tensorflow =
    findTensorflow(undefined, false, (reason) => passedOver.push(reason)) ??
    cachedTensorflow(defaultCacheDir(), DEFAULT_VERSION);
  const compiler = findCompiler();
  const pip = findPip();
  return {
    compiler: typeof compiler === 'string' ? `none: ${compiler}` : compiler.version,
    pip: typeof pip === 'string' ? `none: ${pip}` : `${pip.version} of ${pip.python}`,
    tensorflow: tensorflow
      ? `${tensorflow.version} in ${tensorflow.folder}`
      : `${DEFAULT_VERSION}, which pip would fetch`,
    passedOver,
  };
}
