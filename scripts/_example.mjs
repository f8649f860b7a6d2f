/** Turns an ES module example into what CommonJS takes: require, and no await at the top. */

const IMPORT = /^import\s+(?:([^'"]+?)\s+from\s+)?(['"][^'"]+['"]);?[ \t]*$/gm;

/** The imports of a module and what follows them. */
function split(code) {
  const imports = [...code.matchAll(IMPORT)];
  return { imports, body: code.replace(IMPORT, '').trim() };
}

function toRequire([whole, names, module]) {
  if (names === undefined) return `require(${module});`;
  const namespace = /^\*\s+as\s+(\w+)$/.exec(names)?.[1];
  if (namespace) return `const ${namespace} = require(${module});`;
  if (names.startsWith('{')) return `const ${names.replace(/\bas\b/g, ':')} = require(${module});`;
  throw new Error(`an import that this script cannot turn into require: ${whole}`);
}

const wrap = (body) => `async function main() {\n${body}\n}\nvoid main();\n`;

/** JavaScript with require; a rejection of main ends the process with status 1, as Node does. */
export function toCommonJs(code) {
  const { imports, body } = split(code);
  return `${imports.map(toRequire).join('\n')}\n${wrap(body)}`;
}

/** TypeScript for a .cts file: the imports as they are, the rest in a function. */
export function wrapBody(code) {
  const { imports, body } = split(code);
  return `${imports.map(([whole]) => whole).join('\n')}\n${wrap(body)}`;
}
