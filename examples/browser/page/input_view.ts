/** Where a picture comes from: the drawing pad, ten samples, a file, the camera; and how the network sees it. */
import type { NetworkInfo } from '../network/network';
import { classNames } from './class_names';
import { paintCells, penFor } from './drawing';
import { DrawingPad } from './drawing_pad';
import { button, element } from './elements';
import { toMnist } from './mnist_picture';
import { colorOf } from './picture_colors';
import { bytesOf, openCamera, pictureOf } from './pictures';
import { sampleDigits } from './sample_digits';

const SEEN = 112;

export class InputView {
  private readonly pad: DrawingPad;
  private readonly video = element<HTMLVideoElement>('camera-picture');
  private readonly cameraButton = element<HTMLButtonElement>('camera');
  private camera: { stop: () => void } | undefined;
  private info: NetworkInfo | undefined;

  /** @param onPicture bytes as the network takes them; null: nothing is drawn */
  constructor(
    private readonly onPicture: (bytes: Uint8Array | null) => void,
    private readonly onError: (error: Error) => void,
  ) {
    this.pad = new DrawingPad(element('pad'), element('pad-keys'), element('pen'), () => {
      this.show(toMnist(this.pad.ink(), this.pad.size));
    });
    element('clear').addEventListener('click', () => this.pad.clear());
    element('samples').append(
      ...sampleDigits.map((strokes, digit) => {
        const sample = button(`${digit}`, () => this.pad.draw(strokes));
        sample.setAttribute('aria-label', `Draw a ${digit}`);
        return sample;
      }),
    );
    const file = element<HTMLInputElement>('picture');
    file.addEventListener('change', () => {
      if (file.files?.[0]) void this.open(file.files[0]);
      file.value = ''; // the same file may come again
    });
    const zone = element('input');
    zone.addEventListener('dragover', (event) => event.preventDefault());
    zone.addEventListener('drop', (event) => {
      event.preventDefault();
      const dropped = event.dataTransfer?.files[0];
      if (dropped) void this.open(dropped);
    });
    this.cameraButton.hidden = !navigator.mediaDevices;
    this.cameraButton.addEventListener('click', () => void this.useCamera());
  }

  /** Another network may take other pictures: digits are drawn, others come from files. */
  fit(info: NetworkInfo): void {
    const before = this.info?.sample.join();
    this.info = info;
    if (before === info.sample.join()) return;
    const draws = info.sample.join() === '28,28,1';
    element('drawing').hidden = !draws;
    element('clear').hidden = !draws;
    const hint = element('picture-hint');
    hint.hidden = draws;
    hint.textContent = `Drop a picture here: one of ${classNames(info).join(', ')}.`;
    if (draws) this.drawSample(3);
    else this.show(null);
  }

  drawSample(digit: number): void {
    this.pad.draw(sampleDigits[digit]!);
  }

  private show(bytes: Uint8Array | null): void {
    const { info } = this;
    if (!info) return;
    const pen = penFor(element<HTMLCanvasElement>('seen'), SEEN);
    const [height, width] = info.sample;
    const box = [0, 0, pen.width, SEEN] as const;
    if (bytes) paintCells(pen, box, [height, width], colorOf({ bytes, info }));
    this.onPicture(bytes);
  }

  private async open(file: File): Promise<void> {
    try {
      if (!this.info) throw new Error('A network must be there before a picture is opened');
      this.show(bytesOf(await pictureOf(file), this.info));
    } catch (error) {
      this.onError(error as Error);
    }
  }

  /** First turns the camera on, then takes its picture and turns it off. */
  private async useCamera(): Promise<void> {
    try {
      if (this.camera && this.info) {
        this.show(bytesOf(this.video, this.info));
        this.camera.stop();
        this.camera = undefined;
      } else {
        this.camera = await openCamera(this.video);
      }
      this.video.hidden = !this.camera;
      this.cameraButton.textContent = this.camera ? 'Take the picture' : 'Camera';
    } catch (error) {
      this.onError(error as Error);
    }
  }
}
