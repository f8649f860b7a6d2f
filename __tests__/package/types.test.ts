/** The types that the package publishes. */
import { runScript } from '../support/process';

const BUILT = `
import { S as StateDict, r as read } from './chunk-a1.js';

interface Own {
}

declare const index_StateDict: typeof StateDict;
type index_Own = Own;
declare const index_read: typeof read;
declare const index_here: typeof here;
declare namespace index {
  export { type index_Own as Own, index_StateDict as StateDict, index_here as here, index_read as read };
}

export { index as interop };
`;

test('what a namespace has from another chunk is imported under its name there, not declared a value', () => {
  const script = `import { mendNamespaces } from './scripts/mend_namespaces.mjs';
    console.log(JSON.stringify(mendNamespaces(${JSON.stringify(BUILT)})));`;
  const { status, stdout, stderr } = runScript(script);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const mended: string = JSON.parse(stdout);
  expect(mended).toContain("import { S as index_StateDict } from './chunk-a1.js';");
  expect(mended).toContain("import { r as index_read } from './chunk-a1.js';");
  expect(mended.match(/^declare const .*/gm)).toEqual(['declare const index_here: typeof here;']);
});
