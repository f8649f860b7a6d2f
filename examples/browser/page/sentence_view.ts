/** A sentence that one types: whether it is good or bad, what its tokens are, and what happened inside. */
import type { ReaderInfo, SentenceAnswer, SentenceInside } from '../network/reader';
import type { Token } from '../network/words';
import { AnswerView } from './answer_view';
import type { WorkerClient } from './client';
import { button, element, make } from './elements';
import { BeginningsView } from './figures/beginnings';
import { EnergyView } from './figures/energy';
import { RatesView } from './figures/rates';
import { TokenSpikesView } from './figures/token_spikes';
import { Rounds } from './rounds';

const CLASSES = ['bad', 'good'];

const SAMPLES = [
  'A slow film, but a warm and funny one.',
  'Slow, predictable and far too long.',
  'A predictable story with wonderful actors.',
  'Not bad at all.',
];

export class SentenceView {
  private client: WorkerClient | undefined;
  /** Where the network is open, and what it is. */
  private opened: { client: WorkerClient; info: ReaderInfo } | undefined;
  private seen = false;
  private readonly text = element<HTMLTextAreaElement>('sentence-text');
  private readonly tokens = element('sentence-tokens');
  private readonly time = element('sentence-time');
  private readonly status = element('sentence-status');
  private readonly answer = new AnswerView();
  private readonly beginnings = new BeginningsView();
  private readonly spikes = new TokenSpikesView();
  private readonly rates = new RatesView(
    'sentence-rates',
    'Padding counts, as the command counts it.',
  );
  private readonly energy = new EnergyView('sentence-energy', 'sentence');
  private readonly rounds = new Rounds(
    () => this.round(),
    (error) => this.say(error.message, true),
  );

  /** @param folder of the network, which is loaded once the section comes into view */
  constructor(private readonly folder: string) {
    element('sentence-answer').prepend(this.answer.element);
    const figures = [this.beginnings, this.spikes, this.rates, this.energy];
    element('sentence-figures').append(...figures.map((figure) => figure.element));
    const take = (sample: string) => {
      this.text.value = sample;
      this.rounds.update();
    };
    element('sentence-samples').append(
      ...SAMPLES.map((sample) => button(sample, () => take(sample))),
    );
    this.text.value = SAMPLES[0]!;
    this.text.addEventListener('input', () => this.rounds.update());
    this.showAnswer(null);
    new IntersectionObserver(([entry], observer) => {
      if (!entry!.isIntersecting) return;
      observer.disconnect();
      this.seen = true;
      this.rounds.update();
    }).observe(element('sentence'));
  }

  /** The worker whose backend reads from now on. */
  use(client: WorkerClient): void {
    this.client = client;
    if (this.seen) this.rounds.update();
  }

  private async round(): Promise<void> {
    const { client } = this;
    const text = this.text.value;
    if (!client) return;
    const { info } = await this.open(client);
    const answer = text.trim() === '' ? null : await client.call('readSentence', text);
    if (this.client !== client) return;
    this.showAnswer(answer);
    this.explain(answer, info);
    if (this.rounds.stale) return;
    const inside = answer?.probabilities ? await client.call('lookIntoSentence', text) : null;
    if (!this.rounds.stale) this.showInside(inside, info);
  }

  private async open(client: WorkerClient): Promise<{ info: ReaderInfo }> {
    if (this.opened?.client !== client) {
      this.say('Loading the network');
      const info = await client.call('openReader', this.folder);
      this.opened = { client, info };
      element('sentence-model').textContent =
        `${info.parameters.toLocaleString('en')} parameters, ${info.timeSteps} time steps, ` +
        `sentences of up to ${info.length} tokens.`;
    }
    return this.opened!;
  }

  private showAnswer(answer: SentenceAnswer | null): void {
    this.answer.show(CLASSES, answer?.probabilities ?? null);
    this.tokens.replaceChildren(...(answer?.tokens ?? []).map(chip));
    this.time.textContent = answer?.probabilities
      ? `${answer.milliseconds.toFixed(1)} ms per sentence`
      : '';
  }

  private explain(answer: SentenceAnswer | null, { length }: ReaderInfo): void {
    const unknown = answer?.tokens.filter(({ known }) => !known).length ?? 0;
    if (!answer) this.say('Type a sentence about a film: the network reads it while you type.');
    else if (!answer.probabilities) this.say('The network knows none of these words.');
    else if (answer.cut > 0) {
      this.say(
        `The network takes ${length} tokens: the last ${answer.cut} are left out of its answer.`,
      );
    } else if (unknown > 0) {
      const them = unknown > 1 ? `${unknown} words: their` : 'one word: its';
      this.say(`The network does not know ${them} place is all that it is given.`);
    } else this.say('');
  }

  private showInside(inside: SentenceInside | null, { length }: ReaderInfo): void {
    this.beginnings.show(inside);
    this.spikes.show(inside, length);
    this.rates.show(inside);
    this.energy.show(inside);
  }

  private say(sentence: string, isError = false): void {
    this.status.textContent = sentence;
    this.status.classList.toggle('error', isError);
  }
}

function chip({ text, known }: Token): HTMLElement {
  if (known) return make('li', { textContent: text });
  return make('li', { className: 'unknown' }, text, make('small', { textContent: ' unknown' }));
}
