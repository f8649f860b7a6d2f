/** A recording of events, frame after frame, before a network whose neurons remember. */
import type { RecordingInfo, RecordingSource } from '../network/player';
import { AnswerView } from './answer_view';
import { WorkerClient } from './client';
import { type Pen, paintCells, themeColors, writeText } from './drawing';
import { element, percent } from './elements';
import { Figure } from './figure';
import { drawLines } from './line_chart';

/** A recording of the page's own lasts 0.3 s. */
const FRAMES = 8;
/** Milliseconds, so that one can follow. */
const PACE = 350;
const digits = Array.from({ length: 10 }, (_, i) => `${i}`);
const LINES = 3;

export class EventsView {
  private client: WorkerClient | undefined;
  private recording: RecordingInfo | undefined;
  /** After each frame that has been played. */
  private answers: Float32Array[] = [];
  private playing = false;
  private readonly answer = new AnswerView();
  private readonly status = element('events-status');
  private readonly play = element<HTMLButtonElement>('events-play');
  private readonly frame = new Figure({
    name: 'events-frame',
    title: 'The frame',
    sentence:
      'Where it became brighter, in the spikes’ color, and darker, in blue, since the frame before.',
    height: (width) => Math.min(width, 300),
    draw: (pen) => this.drawFrame(pen),
    describe: () => `Frame ${this.answers.length} of ${this.recording?.frames.shape[0] ?? 0}`,
    rows: () => this.frameRows(),
  });
  private readonly course = new Figure({
    name: 'events-answers',
    title: 'The answer as time goes by',
    sentence: 'The answer after each frame: the neurons go on from where the last frame left them.',
    height: () => 220,
    draw: (pen) => this.drawCourse(pen),
    describe: () =>
      this.answers.map((answer, i) => `frame ${i + 1}: ${best(answer)}`).join(', ') ||
      'Not played yet',
    rows: () => [['frame', ...digits], ...this.answers.map((answer, i) => [i + 1, ...answer])],
  });

  /**
   * @param folder of the network
   * @param backend on which it runs when it is first asked for
   * @param drawn what is on the drawing pad
   */
  constructor(
    private readonly folder: string,
    private readonly backend: () => string,
    drawn: () => Uint8Array | null,
  ) {
    element('events-figures').append(this.frame.element, this.course.element);
    element('events-answer').append(this.answer.element);
    this.answer.show(digits, null);
    element('events-drawn').addEventListener('click', () => {
      const picture = drawn();
      if (picture?.length === 28 * 28) void this.open({ picture });
      else this.fail(new Error('Draw a digit first, at the top of the page'));
    });
    const input = element<HTMLInputElement>('recording');
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      input.value = '';
      if (file) void this.open({ file });
    });
    this.play.addEventListener('click', () => {
      if (this.playing) this.playing = false;
      else void this.playOn();
    });
  }

  private async open(source: RecordingSource): Promise<void> {
    this.playing = false;
    this.play.disabled = true;
    this.say('Reading the recording');
    try {
      const recording = await (await this.worker()).call('readRecording', source, FRAMES);
      this.recording = recording;
      this.answers = [];
      this.redraw();
      this.play.disabled = false;
      const { format, events, seconds, width, height } = recording;
      const what = `${format}, ${width} × ${height}: ${events.toLocaleString('en')} events in ${seconds.toFixed(2)} s`;
      this.say(`${what}, ${FRAMES} frames.`);
      await this.playOn();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** A worker of its own, made when it is first needed. */
  private async worker(): Promise<WorkerClient> {
    if (this.client) return this.client;
    const client = new WorkerClient();
    try {
      await client.call('start', this.backend(), false);
      await client.call('openPlayer', { folder: this.folder });
    } catch (error) {
      client.close();
      throw error;
    }
    this.client = client;
    return client;
  }

  /** From the frame after the last; from the first if all have been played. */
  private async playOn(): Promise<void> {
    const { recording, client } = this;
    if (!recording || !client) return;
    const frames = recording.frames.shape[0];
    if (this.answers.length === frames) this.answers = [];
    this.playing = true;
    this.play.textContent = 'Pause';
    try {
      while (this.playing && this.recording === recording && this.answers.length < frames) {
        const pace = new Promise((resolve) => setTimeout(resolve, PACE));
        const { probabilities, milliseconds } = await client.call('playFrame', this.answers.length);
        if (this.recording !== recording) return;
        this.answers.push(probabilities);
        this.redraw();
        element('events-time').textContent = `${milliseconds.toFixed(1)} ms per frame`;
        await pace;
      }
    } catch (error) {
      this.fail(error as Error);
    }
    this.playing = false;
    this.play.textContent = this.answers.length === frames ? 'Play again' : 'Play';
  }

  private redraw(): void {
    this.frame.redraw();
    this.course.redraw();
    this.answer.show(digits, this.answers.at(-1) ?? null);
  }

  /** The counts of the frame that was played last, `[height, width, 2]`. */
  private counts(): { data: Float32Array; height: number; width: number } | null {
    if (!this.recording) return null;
    const { data, shape } = this.recording.frames;
    const [, height, width, polarities] = shape;
    const size = height * width * polarities;
    const at = Math.max(0, this.answers.length - 1) * size;
    return { data: data.subarray(at, at + size), height, width };
  }

  private drawFrame(pen: Pen): void {
    const counts = this.counts();
    if (!counts) {
      writeText(pen, 'no recording yet', 0, 30, pen.colors.soft);
      return;
    }
    const { data, height, width } = counts;
    const side = pen.height;
    const { spike, cool } = pen.colors;
    pen.context.fillStyle = '#0b0d10';
    pen.context.fillRect(0, 0, side, side);
    paintCells(pen, [0, 0, side, side], [height, width], (pixel) => {
      const [darker, brighter] = [data[2 * pixel]!, data[2 * pixel + 1]!];
      return brighter + darker === 0 ? null : brighter >= darker ? spike : cool;
    });
  }

  private frameRows(): (string | number)[][] {
    const counts = this.counts();
    const head = ['row', 'column', 'darker', 'brighter'];
    if (!counts) return [head];
    const { data, width } = counts;
    const pixels = Array.from({ length: data.length / 2 }, (_, i) => [
      ...[Math.floor(i / width), i % width, data[2 * i]!, data[2 * i + 1]!],
    ]);
    return [head, ...pixels.filter(([, , darker, brighter]) => darker! + brighter! > 0)];
  }

  /** The likeliest classes of the last answer, from the first frame on. */
  private drawCourse(pen: Pen): void {
    const last = this.answers.at(-1) ?? new Float32Array(0);
    const likely = [...last.keys()].sort((a, b) => last[b]! - last[a]!).slice(0, LINES);
    const { spike, cool, third } = themeColors();
    drawLines(pen, {
      lines: likely.map((name, i) => ({
        name: `${name}`,
        color: [spike, cool, third][i]!,
        dash: [[], [7, 4], [2, 3]][i]!,
        points: this.answers.map((answer, frame) => [frame + 1, answer[name]!]),
      })),
      ...{ xTitle: 'frame', yTitle: 'probability', yFrom: 0, yTo: 1, xRange: [1, FRAMES] },
    });
  }

  private say(sentence: string): void {
    this.status.textContent = sentence;
    this.status.classList.remove('error');
  }

  private fail(error: Error): void {
    this.status.textContent = error.message;
    this.status.classList.add('error');
  }
}

const best = (answer: Float32Array) => {
  const winner = answer.indexOf(Math.max(...answer));
  return `${winner}, ${percent(answer[winner]!)}`;
};
