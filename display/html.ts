/** HTML or SVG markup in which every text is escaped: a tag for template literals. */

/** Markup that may be inserted into markup; only `html` and `trusted` make it. */
class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

export type { Html };

/** What a template accepts; `undefined` and `false` insert nothing. */
export type Content = string | number | undefined | false | Html | readonly Content[];

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function markupOf(content: Content): string {
  if (content instanceof Html) return content.toString();
  if (Array.isArray(content)) return content.map(markupOf).join('');
  if (content === undefined || content === false) return '';
  return String(content).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * The literal's text unchanged, with inserted values escaped, for elements and quoted attributes alike. Other results
 * of `html`, and arrays of them, are inserted as they are.
 *
 * ```ts
 * const list = html`<ul class="${kind}">${names.map((name) => html`<li>${name}</li>`)}</ul>`;
 * ```
 */
export function html(literal: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(String.raw({ raw: literal }, ...contents.map(markupOf)));
}

/** Markup that the code itself has made, such as a style sheet: never text from a file or a user. */
export const trusted = (markup: string): Html => new Html(markup);
