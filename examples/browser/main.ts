/**
 * The page: a spiking transformer reads what the visitor draws, shows what happened inside it, and is trained; others
 * read recordings and sentences.
 * Networks run in workers; here are only what is seen and what is asked for.
 */
import type { ModelSource } from './network/network';
import { AnswerView } from './page/answer_view';
import { findFastest, type Running, run } from './page/backends';
import { classNames } from './page/class_names';
import { ClosedError } from './page/client';
import { element } from './page/elements';
import { EventsView } from './page/events_view';
import { AttentionView } from './page/figures/attention';
import { EnergyView } from './page/figures/energy';
import { PoolingView } from './page/figures/pooling';
import { RasterView } from './page/figures/raster';
import { RatesView } from './page/figures/rates';
import { TracesView } from './page/figures/traces';
import type { InsideView } from './page/figures/view';
import { InputView } from './page/input_view';
import { ModelView, type Shipped, shippedModels } from './page/model_view';
import { SentenceView } from './page/sentence_view';
import { Session } from './page/session';
import { StatusBar } from './page/status_bar';
import { TrainingView } from './page/training_view';

const answer = new AnswerView();
const views: InsideView[] = [
  new RasterView(),
  new AttentionView(),
  new RatesView(),
  new TracesView(),
  new PoolingView(),
  new EnergyView(),
];
element('answer').append(answer.element);
element('inside-figures').append(...views.map((view) => view.element));

const fail = (error: unknown) => {
  if (!(error instanceof ClosedError)) status.fail(error as Error);
};

const session = new Session({
  onAnswer(found, milliseconds) {
    answer.show(session.info ? classNames(session.info) : [], found?.probabilities ?? null);
    if (found) status.took(milliseconds);
  },
  onInside(inside) {
    const { bytes, info } = session;
    const look = inside && bytes && info ? { inside, bytes, info, session } : null;
    for (const view of views) view.show(look);
  },
  onError: fail,
});

const input = new InputView((bytes) => session.show(bytes), fail);
const status = new StatusBar((backend) => void change(source, backend));

/** Where the network comes from that reads now. */
let source: ModelSource;
let models: ModelView;
let sentence: SentenceView | undefined;
/** Whether the visitor chose: then no measurement overrules it. */
let chosen = false;

function take(running: Running): void {
  running.client.onNote = (sentence) => status.say(sentence);
  session.use(running);
  sentence?.use(running.client);
  status.running(running.backend);
  models.show(running.info);
  input.fit(running.info);
}

/** Another network or another backend, with the picture as it is. */
async function change(next: ModelSource, backend: string): Promise<void> {
  chosen = true;
  status.starting(backend);
  try {
    take(await run(backend, next));
    source = next;
    status.say('');
  } catch (error) {
    if (session.backend) status.running(session.backend);
    fail(error);
  }
}

async function start(shipped: readonly Shipped[]): Promise<void> {
  const images = shipped.filter(({ kind }) => kind === 'images');
  source = { folder: images[0]!.folder };
  const onModel = (next: ModelSource) => void change(next, session.backend ?? 'wasm');
  models = new ModelView(images, onModel, fail);
  new TrainingView((files) => {
    onModel({ files });
    element('read').scrollIntoView();
  });
  const events = shipped.find(({ kind }) => kind === 'events');
  for (const id of ['events', 'events-link']) element(id).hidden = !events;
  if (events)
    new EventsView(
      events.folder,
      () => session.backend ?? 'wasm',
      () => session.bytes,
    );
  const text = shipped.find(({ kind }) => kind === 'text');
  for (const id of ['sentence', 'sentence-link']) element(id).hidden = !text;
  if (text) sentence = new SentenceView(text.folder);
  element<HTMLSelectElement>('time-steps').addEventListener('change', ({ target }) => {
    const { value } = target as HTMLSelectElement;
    session.present(value === '' ? null : Number(value));
  });
  status.starting('wasm');
  const onFaster = (running: Running) => (chosen ? running.client.close() : take(running));
  await findFastest(
    source,
    onFaster,
    (timing) => status.timed(timing),
    () => !chosen,
  );
  if (!chosen) status.measured(session.backend!);
}

shippedModels().then(start).catch(fail);
