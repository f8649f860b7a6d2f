/** One network on one backend, and the picture before it: whatever changes, the page gets a new answer and then a look inside. */
import type { Inside } from '../network/inside';
import type { Answer, NetworkInfo } from '../network/network';
import type { Running } from './backends';
import type { WorkerClient } from './client';
import { Rounds } from './rounds';

/** What the page shows of it. */
export interface SessionView {
  /** Null: there is no picture. */
  onAnswer(answer: Answer | null, milliseconds: number): void;
  onInside(inside: Inside | null): void;
  onError(error: Error): void;
}

/** The median is over the latest of these. */
const TIMES = 9;

export class Session {
  private running: Running | undefined;
  private picture: Uint8Array | null = null;
  private timeSteps: number | null = null;
  private times: number[] = [];
  /** Strokes come faster than answers: a look inside waits until nothing has changed. */
  private readonly rounds: Rounds;

  constructor(private readonly view: SessionView) {
    this.rounds = new Rounds(
      () => this.round(),
      (error) => view.onError(error),
    );
  }

  get info(): NetworkInfo | undefined {
    return this.running?.info;
  }

  get backend(): string | undefined {
    return this.running?.backend;
  }

  get client(): WorkerClient | undefined {
    return this.running?.client;
  }

  get bytes(): Uint8Array | null {
    return this.picture;
  }

  /** Median per image of the latest, in milliseconds; 0 before the first. */
  get milliseconds(): number {
    return [...this.times].sort((a, b) => a - b)[this.times.length >> 1] ?? 0;
  }

  /** Takes a network over; the one before it is closed. */
  use(running: Running): void {
    this.running?.client.close();
    this.running = running;
    this.times = [];
    this.rounds.update();
  }

  /** The picture's bytes as the network takes them, or null for none. */
  show(bytes: Uint8Array | null): void {
    this.picture = bytes;
    this.rounds.update();
  }

  /** Presents pictures that often; null: as often as the network was trained for. */
  present(timeSteps: number | null): void {
    this.timeSteps = timeSteps;
    this.times = [];
    this.rounds.update();
  }

  private async round(): Promise<void> {
    const { running, picture, view } = this;
    const fits = running && picture?.length === running.info.sample.reduce((a, b) => a * b);
    if (!running || !picture || !fits) {
      view.onAnswer(null, 0);
      view.onInside(null);
      return;
    }
    const { client, info } = running;
    await client.call('setTimeSteps', this.timeSteps ?? info.timeSteps);
    const answer = await client.call('classify', picture);
    if (this.running !== running) return;
    this.times = [...this.times.slice(1 - TIMES), answer.milliseconds];
    view.onAnswer(answer, this.milliseconds);
    if (this.rounds.stale) return;
    const inside = await client.call('lookInside', picture);
    if (!this.rounds.stale) view.onInside(inside);
  }
}
