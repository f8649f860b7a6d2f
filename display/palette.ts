/** The colors of pages and charts, on a light screen and on a dark one. */

export interface Palette {
  ink: string;
  paper: string;
  /** Secondary text. */
  soft: string;
  /** Table rules, grid lines. */
  line: string;
  /** Axes. */
  axis: string;
  /** Reference values. */
  ghost: string;
  /** Background of code. */
  shade: string;
  accent: string;
  good: string;
  bad: string;
  warn: string;
  warnShade: string;
  /** The colors of a chart's series, in order. */
  series: readonly string[];
}

/** The series have the colors of Okabe and Ito (2008), which color-blind readers can distinguish. */
export const light: Palette = {
  ink: '#1c2430',
  paper: '#ffffff',
  soft: '#5a6370',
  line: '#e3e6ea',
  axis: '#8a929c',
  ghost: '#c3c9d1',
  shade: '#f5f6f8',
  accent: '#0072b2',
  good: '#2f7d3a',
  bad: '#b3322e',
  warn: '#c2571a',
  warnShade: '#fdf1e3',
  series: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'],
};

export const dark: Palette = {
  ink: '#e4e7eb',
  paper: '#15181c',
  soft: '#9aa4b0',
  line: '#333a42',
  axis: '#6b747e',
  ghost: '#4d5661',
  shade: '#1e2328',
  accent: '#3d9bdc',
  good: '#6bb265',
  bad: '#e0655f',
  warn: '#f0934e',
  warnShade: '#33251a',
  series: ['#3d9bdc', '#f0803c', '#25b88c', '#dd93bc', '#f0b840', '#93d3f7'],
};

/** A style sheet for both themes: `rules` writes it for each. Print is light. */
export function lightAndDark(rules: (palette: Palette) => string): string {
  return `${rules(light)}\n@media screen and (prefers-color-scheme: dark) {\n${rules(dark)}\n}\n`;
}
