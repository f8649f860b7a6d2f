/** A canvas to draw on with mouse, pen or finger. */

export class Pad {
  private readonly context: CanvasRenderingContext2D;

  /** @param onChange called after each stroke's every move, and after `clear` */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly onChange: () => void,
  ) {
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('This browser has no 2d canvas');
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
      context.beginPath();
      context.moveTo(...this.at(event));
      this.lineTo(event); // a dot
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.lineTo(event);
    });
    this.clear();
  }

  clear(): void {
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
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
    return Float32Array.from({ length: width * height }, (_, i) => data[4 * i] / 255);
  }

  private lineTo(event: PointerEvent): void {
    this.context.lineTo(...this.at(event));
    this.context.stroke();
    this.onChange();
  }

  private at(event: PointerEvent): [x: number, y: number] {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - left) * this.canvas.width) / width,
      ((event.clientY - top) * this.canvas.height) / height,
    ];
  }
}
