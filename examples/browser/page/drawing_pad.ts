/** A canvas to draw on with mouse, pen, finger or arrow keys. */

/** Corners of a stroke, in shares of the pad's side. */
export type Stroke = readonly (readonly [x: number, y: number])[];

const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Of the side, per key. */
const KEY_STEP = 1 / 28;

export class DrawingPad {
  private readonly context: CanvasRenderingContext2D;
  /** Where the keys' pen is, and whether it writes. */
  private pen = { x: 0.5, y: 0.3, down: false };

  /**
   * @param keys what has the focus when the arrow keys draw
   * @param cursor what shows where they are
   * @param onChange called after every move of a stroke, and after `clear`
   */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    keys: HTMLElement,
    private readonly cursor: HTMLElement,
    private readonly onChange: () => void,
  ) {
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('This browser must have a 2d canvas, but has none');
    this.context = context;
    Object.assign(context, {
      lineWidth: canvas.width / 13,
      lineCap: 'round',
      lineJoin: 'round',
      strokeStyle: '#fff',
    });
    canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.begin(...this.at(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.lineTo(...this.at(event));
    });
    keys.tabIndex = 0;
    keys.role = 'application'; // a screen reader then passes the arrow keys on
    keys.ariaLabel =
      'Drawing pad. Arrow keys move the pen, space lowers and lifts it, Delete wipes.';
    keys.addEventListener('keydown', (event) => this.onKey(event));
    this.wipe();
  }

  clear(): void {
    this.wipe();
    this.onChange();
  }

  draw(strokes: readonly Stroke[]): void {
    this.wipe();
    const { size } = this;
    for (const corners of strokes) {
      const places = corners.map(([x, y]) => [x * size, y * size] as const);
      this.context.beginPath();
      this.context.moveTo(...places[0]!);
      for (const place of places) this.context.lineTo(...place);
      this.context.stroke();
    }
    this.onChange();
  }

  /** Pixels on a side. */
  get size(): number {
    return this.canvas.width;
  }

  /** How much ink each pixel has, 0 to 1, row by row. */
  ink(): Float32Array {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    return Float32Array.from({ length: width * height }, (_, i) => data[4 * i]! / 255);
  }

  private wipe(): void {
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  private begin(x: number, y: number): void {
    this.context.beginPath();
    this.context.moveTo(x, y);
    this.lineTo(x, y); // a dot
  }

  private lineTo(x: number, y: number): void {
    this.context.lineTo(x, y);
    this.context.stroke();
    this.onChange();
  }

  /** Arrows move the pen, space lowers and lifts it, Delete wipes. */
  private onKey(event: KeyboardEvent): void {
    const { pen, size } = this;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const within = (place: number) => Math.min(Math.max(place, 0), 1);
      pen.x = within(pen.x + arrow[0] * KEY_STEP);
      pen.y = within(pen.y + arrow[1] * KEY_STEP);
      if (pen.down) this.lineTo(pen.x * size, pen.y * size);
    } else if (event.key === ' ') {
      pen.down = !pen.down;
      if (pen.down) this.begin(pen.x * size, pen.y * size);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      pen.down = false;
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
    this.cursor.style.translate = `${pen.x * this.canvas.clientWidth}px ${pen.y * this.canvas.clientHeight}px`;
    this.cursor.classList.toggle('down', pen.down);
  }

  private at(event: PointerEvent): [x: number, y: number] {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - left) * this.canvas.width) / width,
      ((event.clientY - top) * this.canvas.height) / height,
    ];
  }
}
