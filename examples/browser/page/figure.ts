/** A picture with its sentence, its controls, and buttons that save it as PNG and CSV. */

import { csvFile, download, pngFile } from './download';
import { onThemeChange, type Pen, penFor } from './drawing';
import { button, make } from './elements';

export interface Drawing {
  /** The file's name without its ending, and the element's id. */
  name: string;
  title: string;
  /** What one sees, in one sentence. */
  sentence: string;
  /** CSS pixels, for a width. */
  height(width: number): number;
  draw(pen: Pen): void;
  /** What the picture shows, for those who do not see it. */
  describe(): string;
  /** The numbers behind it, the first row their names. */
  rows(): (string | number)[][];
}

export class Figure {
  readonly element: HTMLElement;
  readonly canvas = make('canvas');
  private readonly saving: HTMLButtonElement[];

  constructor(
    private readonly drawing: Drawing,
    controls: readonly HTMLElement[] = [],
  ) {
    const { name, title, sentence } = drawing;
    this.canvas.setAttribute('role', 'img');
    this.saving = [
      button('PNG', async () => download(await pngFile(`${name}.png`, this.canvas))),
      button('CSV', () => download(csvFile(`${name}.csv`, this.drawing.rows()))),
    ];
    for (const one of this.saving) one.setAttribute('aria-label', `${title} as ${one.textContent}`);
    this.element = make(
      'figure',
      { id: name, className: 'card' },
      make(
        'figcaption',
        {},
        make(
          'div',
          { className: 'head' },
          make('h3', { textContent: title }),
          make('div', { className: 'saving' }, ...this.saving),
        ),
        make('p', { textContent: sentence }),
      ),
      ...(controls.length > 0 ? [make('div', { className: 'controls' }, ...controls)] : []),
      this.canvas,
    );
    let drawn = 0;
    new ResizeObserver(() => {
      if (this.canvas.clientWidth !== drawn) this.redraw();
      drawn = this.canvas.clientWidth;
    }).observe(this.element);
    onThemeChange(() => this.redraw());
  }

  redraw(): void {
    const { clientWidth } = this.canvas;
    if (clientWidth === 0) return; // not on the page yet
    this.drawing.draw(penFor(this.canvas, this.drawing.height(clientWidth)));
    this.canvas.setAttribute('aria-label', this.drawing.describe());
    for (const one of this.saving) one.disabled = this.drawing.rows().length < 2;
  }
}
