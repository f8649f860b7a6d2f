/** What a file is that is not what was asked for, by what it begins with. */

type Kind = readonly [begins: string | RegExp, what: string];

/** By the first bytes, a character a byte, or by all that is at hand. */
const kinds: readonly Kind[] = [
  [/^$/, 'is empty'],
  ['version https://git-lfs', 'is a Git LFS pointer in place of the file: `git lfs pull` gets it'],
  [/^\s*<(!doctype html|html|head|body)/i, 'is an HTML page, as a server sends in place of a file'],
  [/^\s*<\?xml/i, 'is an XML text, as a server sends in place of a file'],
  [
    /^\s*\{.*"weight_map"/s,
    'is the index of a checkpoint in several files, which openShardedCheckpoint reads',
  ],
  [/^\s*\{.*"(modelTopology|weightsManifest)"/s, 'is the model.json of a tfjs model'],
  [/^\s*[[{]\s*["\d[{\]}]/, 'is a JSON text'],
  ['\x1f\x8b', 'is packed with gzip: unpack it'],
  ['BZh', 'is packed with bzip2: unpack it'],
  ['\xfd7zXZ', 'is packed with xz: unpack it'],
  ['\x28\xb5\x2f\xfd', 'is packed with zstd: unpack it'],
  ['7z\xbc\xaf', 'is an archive of 7-Zip: unpack it'],
  ['Rar!', 'is an archive of RAR: unpack it'],
  [/^.{257}ustar/s, 'is a tar archive: unpack it, or load and save it with PyTorch'],
  ['PK\x03\x04', "is a zip archive, as torch.save's are, which readTorchCheckpoint reads"],
  [/^.{8}\{"/s, 'begins as safetensors do, which readSafetensors reads'],
  ['\x89HDF', 'is an HDF5 file, as those of Keras'],
  ['\x93NUMPY', "is NumPy's .npy"],
  [/^.{4}TFL3/s, 'is a TensorFlow Lite model'],
  ['GGUF', 'is a GGUF file'],
  ['\x08\x01\x12', 'is a SavedModel of TensorFlow'],
  [/^.{4}(pytorch|tfjs-|tf2onnx|keras2onnx|skl2onnx)/s, 'is an ONNX model'],
  ['\x80', 'is a pickle that torch.save did not write'],
];

/** The rest of a sentence on a file that begins with `start`: 'is an HTML page'. */
export function whatItIs(start: Uint8Array): string {
  const text = String.fromCharCode(...start.subarray(0, 512));
  const kind = kinds.find(([begins]) =>
    typeof begins === 'string' ? text.startsWith(begins) : begins.test(text),
  );
  if (kind) return kind[1];
  const few = [...start.subarray(0, 12)];
  const readable = few.every((byte) => byte >= 0x20 && byte < 0x7f);
  const shown = readable
    ? JSON.stringify(text.slice(0, 12))
    : few.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `does not: it begins with ${shown}`;
}
