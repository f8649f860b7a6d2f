/** Why tfjs-node or the ops do not work, as the process that tries them reports it. */
import { prove } from '../../../node/native/proof';
import { temporaryDirectory } from '../../support/process';
import { writeFiles } from './_fakes';

const folder = temporaryDirectory();

test.each([
  [
    "an error's message, with all of its lines",
    "throw new Error('Invalid TF_Status: 3\\nMessage: x must be numbers');",
    'Error: Invalid TF_Status: 3\nMessage: x must be numbers',
  ],
  ['the last line without one', "console.error('no symbol'); process.exit(1);", 'no symbol'],
  [
    'that there is none',
    "process.kill(process.pid, 'SIGKILL');",
    'its process was ended before it could report why',
  ],
])('the reason is %s', (_, code, reason) => {
  writeFiles(folder, { 'package.json': '{}', 'index.js': code });
  expect(() => prove(folder)).toThrow(new Error(reason));
});
