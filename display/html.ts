/** Markup, of HTML or SVG, in which every text is escaped: a tag for template literals. */

/** Markup that is safe to put into markup; only `html` and `trusted` make it. */
class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

export type { Html };

/** What a template takes; `undefined` and `false` leave nothing. */
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
 * The literal's own text as it stands, what is put into it escaped, for elements and for quoted attributes alike;
 * other results of `html`, and arrays of them, go in as they are.
 *
 * ```ts
 * const list = html`<ul class="${kind}">${names.map((name) => html`<li>${name}</li>`)}</ul>`;
 * ```
 */
export function html(literal: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(String.raw({ raw: literal }, ...contents.map(markupOf)));
}

/** Markup that the code has made by itself, such as a style sheet: never what a file or a user names. */
export const trusted = (markup: string): Html => new Html(markup);
