/** The links of a built site: files and anchors inside it must exist. Links to other sites are not followed. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Links with a scheme, such as https:, data: and mailto:, and those to a host. */
const ELSEWHERE = /^([a-z][a-z\d+.-]*:|\/\/)/i;

const unescaped = (text: string) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"');

const valuesOf = (text: string, attributes: string) =>
  [...text.matchAll(new RegExp(`\\s(?:${attributes})="([^"]*)"`, 'g'))].map(([, value]) =>
    unescaped(value!),
  );

/**
 * What is broken, a line each: `page.html: the link`.
 *
 * @param folder of the site
 */
export function brokenLinks(folder: string): string[] {
  const site = resolve(folder);
  const texts = new Map(
    readdirSync(site, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(html|svg)$/.test(file))
      .map((file) => [join(site, file), readFileSync(join(site, file), 'utf8')]),
  );
  const anchors = new Map(
    [...texts].map(([file, text]) => [file, new Set(valuesOf(text, 'id|name'))]),
  );
  const isThere = (page: string, link: string) => {
    const [path, anchor] = link.split('#').map(decodeURIComponent) as [string, string?];
    const target = path === '' ? page : resolve(dirname(page), path.split('?')[0]!);
    if (!existsSync(target) || !statSync(target).isFile()) return false;
    return !anchor || anchors.get(target)?.has(anchor) === true;
  };
  return [...texts].flatMap(([page, html]) =>
    [...new Set(valuesOf(html, 'href|src'))]
      .filter((link) => !ELSEWHERE.test(link) && !isThere(page, link))
      .map((link) => `${relative(site, page)}: ${link}`),
  );
}
