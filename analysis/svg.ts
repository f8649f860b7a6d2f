/** Plain SVG, piece by piece: what this library's pictures are made of. */

/** Text as XML takes it. */
export function escapeXml(value: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return value.replace(/[&<>"]/g, (character) => entities[character]!);
}

/** One line of text that begins at x and stands on y; `attributes` as SVG writes them. */
export function text(x: number, y: number, value: string, attributes = ''): string {
  return `<text x="${Number(x.toFixed(2))}" y="${Number(y.toFixed(2))}" ${attributes}>${escapeXml(value)}</text>`;
}

/** A whole document, in pixels, on white; `title` is what a screen reader says. */
export function svgDocument(
  width: number,
  height: number,
  title: string,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
