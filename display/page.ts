/** A self-contained HTML page: as wide as the screen, light or dark by the reader's setting, and printable. */
import { type Html, html, trusted } from './html';
import { lightAndDark } from './palette';

/** Colors that a page's own style may use: `var(--accent)`. */
const COLORS = lightAndDark(
  ({ series: _, warnShade, ...colors }) =>
    `:root { ${Object.entries({ ...colors, 'warn-shade': warnShade })
      .map(([name, color]) => `--${name}: ${color};`)
      .join(' ')} }`,
);

/** The style that all pages share. */
const STYLE = html`
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1160px; margin: 1.5em auto; padding: 0 max(1em, 2vw); overflow-wrap: break-word; }
h1 { font-size: 1.5em; line-height: 1.25; margin: 0 0 .4em; }
h2 { font-size: 1.15em; margin: 2em 0 .6em; }
img, svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; margin: 0; padding: 0; font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
  tr, figure, img, svg { break-inside: avoid; }
  .wide { overflow: visible; }
}`;

/** A whole page; `style` is a style sheet in addition to the one that all pages share. */
export function htmlPage(title: string, style: Html, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>
${trusted(COLORS)}${STYLE}${style}
</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`.toString();
}
