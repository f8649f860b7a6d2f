/** The basis of all charts: an SVG document with colors for light and dark screens, and text in it. */
import { type Html, html, trusted } from './html';
import { lightAndDark } from './palette';

/** Classes of a chart's parts; `line0` and `fill0` have the first series' color, and so on. */
const STYLE = trusted(
  lightAndDark(({ ink, soft, paper, line, axis, ghost, series }) =>
    [
      `svg text { fill: ${ink} } svg .soft { fill: ${soft} } svg .paper { fill: ${paper} }`,
      `svg .grid { stroke: ${line} } svg .axis { stroke: ${axis} } svg .ghost { fill: ${ghost} }`,
      ...series.map(
        (color, i) => `svg .line${i} { stroke: ${color} } svg .fill${i} { fill: ${color} }`,
      ),
    ].join('\n'),
  ),
);

/** Font size of a document, in pixels. */
export const FONT_SIZE = 12;

/** A whole document, sizes in pixels; `title` is its name for screen readers. */
export function svgDocument(
  width: number,
  height: number,
  title: string,
  parts: readonly Html[],
): Html {
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">
<title>${title}</title>
<style>
${STYLE}</style>
<rect class="paper" width="${width}" height="${height}"/>
${parts.map((part) => html`${part}\n`)}</svg>
`;
}

/** A coordinate or length, rounded to a hundredth of a pixel. */
export const round = (value: number) => Number(value.toFixed(2));

export interface TextOptions {
  anchor?: 'start' | 'middle' | 'end';
  /** Whether it is secondary text. */
  soft?: boolean;
  bold?: boolean;
  /** Font size in pixels. */
  size?: number;
}

/** One line of text that starts, is centered or ends at x, with its baseline at y. */
export function text(x: number, y: number, value: string, options: TextOptions = {}): Html {
  const { anchor = 'start', soft, bold, size } = options;
  return html`<text x="${round(x)}" y="${round(y)}"${anchor !== 'start' && html` text-anchor="${anchor}"`}${soft && html` class="soft"`}${bold && html` font-weight="bold"`}${size !== undefined && html` font-size="${size}"`}>${value}</text>`;
}

/** The approximate width of a text in pixels: the font is known only where the document is shown. */
export function textWidth(value: string, size = FONT_SIZE): number {
  let ems = 0;
  for (const character of value) {
    if (/[fijlrtI.,:;'|! ()-]/.test(character)) ems += 0.36;
    else ems += /[mwMW@%]/.test(character) ? 0.95 : /[A-Z]/.test(character) ? 0.7 : 0.61;
  }
  return ems * size;
}
