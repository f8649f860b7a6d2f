/** Always in view: the backend, its time per image, and sentences about both. */
import { BACKENDS, type Timing } from './backends';
import { element } from './elements';

export class StatusBar {
  private readonly select = element<HTMLSelectElement>('backend');
  private readonly time = element('time');
  private readonly note = element('note');
  private readonly timings = new Map<string, number | null>();

  constructor(onChoose: (backend: string) => void) {
    for (const backend of BACKENDS) this.select.add(new Option(backend, backend));
    this.select.disabled = true;
    this.select.addEventListener('change', () => onChoose(this.select.value));
  }

  starting(backend: string): void {
    this.select.disabled = true;
    this.time.textContent = `starting ${backend}`;
  }

  running(backend: string): void {
    this.select.value = backend;
    this.select.disabled = false;
    this.time.textContent = 'ready';
  }

  took(milliseconds: number): void {
    this.time.textContent = `${milliseconds.toFixed(1)} ms per image`;
  }

  /** Each option has the backend's time; one that does not start here cannot be chosen. */
  timed({ backend, milliseconds }: Timing): void {
    this.timings.set(backend, milliseconds);
    const option = Array.from(this.select.options).find(({ value }) => value === backend)!;
    option.disabled = milliseconds === null;
    option.textContent =
      milliseconds === null ? `${backend}: not here` : `${backend}: ${milliseconds.toFixed(1)} ms`;
  }

  /** All have been timed. */
  measured(backend: string): void {
    const ran = [...this.timings].filter(([, time]) => time !== null);
    const not = [...this.timings].filter(([, time]) => time === null).map(([name]) => name);
    const missing =
      not.length > 0
        ? `; ${not.join(' and ')} ${not.length > 1 ? 'do' : 'does'} not start here`
        : '';
    const times = ran.map(([name, time]) => `${name} ${time!.toFixed(1)} ms`).join(', ');
    this.say(`Running on ${backend}, the fastest here: ${times}${missing}.`);
  }

  say(sentence: string): void {
    this.note.textContent = sentence;
    this.note.classList.remove('error');
  }

  fail(error: Error): void {
    this.note.textContent = error.message;
    this.note.classList.add('error');
  }
}
