/** Recordings of another kind than a reader was told, named by how they begin: no reader guesses. */
import { DatasetError } from './dataset_error';

/** So many bytes of a file's beginning tell its kind. */
export const BEGINNING = 1024;

/** Of formats that are not read here. */
const unread = (what: string) => `${what}, which no reader here reads`;

const DAT = 'readDat reads it';

/** Whether a file that begins so has a DAT header. */
export const isDat = (bytes: Uint8Array) => foreignFormat(bytes) === DAT;

/** What a file that begins so is, as far as its first bytes tell without doubt. */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, BEGINNING));
  const aedat = /^#!AER-DAT(\d)\.(\d)/.exec(text);
  if (aedat !== null) {
    const [, major, minor] = aedat;
    if (major === '2' && minor === '0') return 'readAedat2 reads it';
    if (major === '3' && minor === '1') return 'readAedat31 reads it';
    return major === '4' ? unread('an AEDAT 4 file') : undefined;
  }
  if (/^% [\t -~]{6,}(?:\r?\n|$)/.test(text)) {
    return isDatHeader(text) ? DAT : unread(`a Prophesee ${rawFile(text)} file`);
  }
  if (text.startsWith('\x89HDF\r\n\x1a\n')) return unread('an HDF5 file');
  return text.startsWith('#ROSBAG V') ? unread('a ROS bag') : undefined;
}

const isDatHeader = (header: string) => /^% *Data file containing/im.test(header);

/** RAW, and the encoding of its events, where its header has come that far. */
function rawFile(header: string): string {
  const [, version, major, minor] = /^% *(?:evt (\d\.\d)|format EVT(\d)(\d?))/im.exec(header) ?? [];
  if (version !== undefined) return `RAW (EVT ${version})`;
  return major === undefined ? 'RAW' : `RAW (EVT ${major}.${minor || '0'})`;
}

/** The error of a file that does not begin as it must. */
export function wrongBeginning(must: string, bytes: Uint8Array): DatasetError {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 16)).split(/\r?\n/, 1)[0];
  const shown = /^[ -~]+$/.test(text)
    ? `'${text}'`
    : [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const foreign = foreignFormat(bytes);
  return new DatasetError(`${must}, but begins with ${shown}${foreign ? ` (${foreign})` : ''}`);
}
