/** Training in the page: options, curves, pause, and a model to take home or to read with at once. */
import type { TrainingNews, TrainingOptions } from '../network/training';
import { WorkerClient } from './client';
import { download } from './download';
import { element, percent } from './elements';
import type { Figure } from './figure';
import { type History, trainingFigures } from './training_figures';

const emptyHistory = (): History => ({ steps: [], epochs: [] });

/** More points than a curve can show are thinned: a page that trains for hours does not grow. */
const MOST_POINTS = 2000;

/** Steps may take a hundredth of a second: the figures follow at this pace, in milliseconds. */
const REDRAW_AFTER = 250;

export class TrainingView {
  private client: WorkerClient | undefined;
  private history = emptyHistory();
  private planned = { steps: 0, epochs: 0 };
  private paused = false;
  private willRedraw = false;
  private readonly figures: Figure[] = trainingFigures(() => this.history);
  private readonly status = element('training-status');
  private readonly buttons = {
    start: element<HTMLButtonElement>('train-start'),
    pause: element<HTMLButtonElement>('train-pause'),
    end: element<HTMLButtonElement>('train-end'),
    save: element<HTMLButtonElement>('train-save'),
    use: element<HTMLButtonElement>('train-use'),
  };

  /** @param onModel a trained model to read with */
  constructor(onModel: (files: File[]) => void) {
    element('training-figures').append(...this.figures.map((figure) => figure.element));
    const { start, pause, end, save, use } = this.buttons;
    element<HTMLFormElement>('training-options').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.start();
    });
    pause.addEventListener('click', () => void this.attempt(() => this.togglePause()));
    end.addEventListener('click', () => void this.attempt(async () => this.client?.call('end')));
    save.addEventListener('click', () => {
      void this.attempt(async () => {
        for (const file of (await this.client?.call('save')) ?? []) download(file);
      });
    });
    use.addEventListener('click', () => {
      void this.attempt(async () => onModel((await this.client?.call('save')) ?? []));
    });
    for (const one of [pause, end, save, use]) one.disabled = true;
    start.disabled = false;
  }

  private options(): TrainingOptions {
    const form = new FormData(element<HTMLFormElement>('training-options'));
    const number = (name: string) => Number(form.get(name));
    return {
      embedDim: number('embedDim'),
      timeSteps: number('timeSteps'),
      order: form.get('order') as TrainingOptions['order'],
      learningRate: number('learningRate'),
      epochs: number('epochs'),
      images: number('images'),
    };
  }

  private async start(): Promise<void> {
    const { start, pause, end } = this.buttons;
    this.client?.close();
    const client = new WorkerClient();
    this.client = client;
    client.onNews = (news) => this.receive(news);
    client.onNote = (sentence) => this.say(sentence);
    this.history = emptyHistory();
    this.paused = false;
    pause.textContent = 'Pause';
    start.disabled = true;
    const backend = element<HTMLSelectElement>('training-backend').value;
    this.say(`Starting ${backend}`);
    await this.attempt(async () => {
      await client.call('start', backend, true);
      for (const one of [pause, end]) one.disabled = false;
      await client.call('train', this.options());
      this.say(`Done. ${this.status.textContent}`);
    });
    for (const one of [pause, end]) one.disabled = true;
    start.disabled = false;
  }

  private async togglePause(): Promise<void> {
    await this.client?.call(this.paused ? 'resume' : 'pause');
    this.paused = !this.paused;
    this.buttons.pause.textContent = this.paused ? 'Resume' : 'Pause';
    if (this.paused) this.say(this.status.textContent ?? '');
  }

  private receive(news: TrainingNews): void {
    const { steps, epochs } = this.history;
    if (news.kind === 'start') {
      this.planned = { steps: news.steps, epochs: news.epochs };
      for (const one of [this.buttons.save, this.buttons.use]) one.disabled = false;
      this.say(`${news.parameters.toLocaleString('en')} parameters, ${news.steps} steps to go`);
    } else if (news.kind === 'step') {
      steps.push(news);
      if (steps.length > MOST_POINTS) this.history.steps = steps.filter((_, i) => i % 2 === 0);
      const { step, loss, accuracy } = news;
      this.say(
        `Step ${step} of ${this.planned.steps}: loss ${loss.toFixed(3)}, ${percent(accuracy, 0)} right of its batch`,
      );
      this.status.dataset.tensors = `${news.tensors}`;
    } else {
      epochs.push(news);
      this.say(
        `Epoch ${news.epoch + 1} of ${this.planned.epochs}: ${percent(news.testAccuracy)} right of held-out images, ` +
          `${news.samplesPerSecond.toFixed(0)} images per second`,
      );
    }
    this.redrawSoon();
  }

  private redrawSoon(): void {
    if (this.willRedraw) return;
    this.willRedraw = true;
    setTimeout(() => {
      this.willRedraw = false;
      for (const figure of this.figures) figure.redraw();
    }, REDRAW_AFTER);
  }

  private async attempt(job: () => Promise<unknown>): Promise<void> {
    try {
      await job();
    } catch (error) {
      this.status.textContent = (error as Error).message;
      this.status.classList.add('error');
    }
  }

  private say(sentence: string): void {
    this.status.textContent = this.paused ? `Paused. ${sentence}` : sentence;
    this.status.classList.remove('error');
  }
}
