// An esbuild plugin: `import ... from 'package'` becomes a global of the page, which a <script> tag
// before has set.

/** @param globals name of the global by package, such as `{ '@tensorflow/tfjs': 'tf' }` */
export function pageGlobals(globals) {
  const names = Object.keys(globals).map((name) => name.replace(/[/.]/g, '\\$&'));
  return {
    name: 'page-globals',
    setup({ onResolve, onLoad }) {
      const filter = new RegExp(`^(?:${names.join('|')})$`);
      onResolve({ filter }, ({ path }) => ({ path, namespace: 'page' }));
      onLoad({ filter: /.*/, namespace: 'page' }, ({ path }) => {
        const missing = `${path} must be loaded before this script, as the global ${globals[path]}`;
        return {
          contents: `if (!globalThis.${globals[path]}) throw new Error(${JSON.stringify(missing)});
            module.exports = globalThis.${globals[path]};`,
        };
      });
    },
  };
}
