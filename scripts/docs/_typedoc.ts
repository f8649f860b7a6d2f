/** What TypeDoc makes the site of: the package's entries with their docblocks, and pages of Markdown. */
import { basename, join } from 'node:path';
import {
  Application,
  Converter,
  type DocumentReflection,
  TSConfigReader,
  type TypeDocOptions,
} from 'typedoc';

/** The site's pages of Markdown, by the heading that they have in its navigation. */
export type Pages = Readonly<Record<string, readonly string[]>>;

/** The first heading of a page names it, and the group that it was given with. */
function nameDocument(document: DocumentReflection, groupOf: ReadonlyMap<string, string>): void {
  const [first] = document.content;
  const title = /^# (.+)$/m.exec(first?.kind === 'text' ? first.text : '')?.[1];
  if (!title) throw new Error(`${document.name}.md must begin with a heading, but does not`);
  document.frontmatter.group = groupOf.get(basename(document.name)); // Its path, without .md, until here.
  document.name = title;
}

/**
 * Writes the site.
 *
 * @throws on any warning of TypeDoc's, such as an export without a docblock or a link to no file
 */
export async function writeSite(
  root: string,
  out: string,
  entryPoints: string[],
  pages: Pages,
): Promise<void> {
  const options: TypeDocOptions = {
    entryPoints,
    out,
    name: 'tfjs-spikingformer',
    tsconfig: join(root, 'tsconfig.json'),
    basePath: root,
    readme: join(root, 'README.md'),
    projectDocuments: Object.values(pages).flat(),
    customCss: join(root, 'scripts/docs/style.css'),
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    excludeExternals: true,
    disableSources: true,
    router: 'structure',
    searchInDocuments: true,
    highlightLanguages: ['bash', 'docker', 'html', 'javascript', 'json', 'typescript', 'yaml'],
    groupOrder: [...Object.keys(pages), 'Modules', '*'],
    headings: { readme: false },
    includeHierarchySummary: false,
    sort: ['source-order'],
    navigation: { includeGroups: true, excludeReferences: true },
    navigationLinks: { npm: 'https://www.npmjs.com/package/tfjs-spikingformer' },
    visibilityFilters: { inherited: true },
    requiredToBeDocumented: ['Class', 'Interface', 'Function'],
    // Configurations extend types that no entry exports; their members are listed with them.
    validation: { notExported: false, notDocumented: true },
    treatWarningsAsErrors: true,
  };
  const app = await Application.bootstrap(options, [new TSConfigReader()]);
  const groups = Object.entries(pages).flatMap(([group, files]) =>
    files.map((file) => [basename(file, '.md'), group] as const),
  );
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) =>
    nameDocument(document, new Map(groups)),
  );
  const project = await app.convert();
  if (!project) throw new Error('TypeDoc must read the entries, but did not');
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error('TypeDoc must have nothing to report, but has what is above');
  }
}
