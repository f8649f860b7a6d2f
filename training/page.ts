/** A page of HTML that needs nothing else: as wide as the screen, light or dark as the reader has it. */
import { escapeXml } from '../analysis/svg';

/** Names of colors that a page's own style may use, and how what all pages have looks. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --soft: #5a6370; --line: #e3e6ea; --shade: #f5f6f8; --accent: #0c6e84; --good: #3f7d3a; --bad: #b3322e; --warn: #c2571a; --warn-shade: #fdf1e3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --paper: #15181c; --soft: #9aa4b0; --line: #333a42; --shade: #1e2328; --accent: #3ba3bb; --good: #6bb265; --bad: #e0655f; --warn: #f0934e; --warn-shade: #33251a; }
  svg { filter: invert(.92) hue-rotate(180deg); }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1160px; margin: 1.5em auto; padding: 0 max(1em, 2vw); overflow-wrap: break-word; }
h1 { font-size: 1.5em; line-height: 1.25; margin-bottom: .2em; } h2 { font-size: 1.15em; margin: 2em 0 .6em; }
img, svg { max-width: 100%; height: auto; } svg > rect[fill=white] { fill: none; }
.wide { overflow-x: auto; }`;

/** `style` and `body` as they are; the title as text. */
export function htmlPage(title: string, style: string, body: string): string {
  const text = escapeXml(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${text}</title>
<style>${STYLE}${style}</style>
</head>
<body>
<h1>${text}</h1>
${body}
</body>
</html>
`;
}
