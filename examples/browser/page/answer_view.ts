/** The network's answer: the class, and a bar per class; of many classes the likeliest. */
import { make, percent } from './elements';

const MOST_BARS = 10;

export class AnswerView {
  readonly element: HTMLElement;
  private readonly best = make('p', { className: 'best', textContent: '?' });
  private readonly bars = make('ol', { className: 'bars' });

  constructor() {
    this.best.setAttribute('aria-live', 'polite');
    this.bars.setAttribute('aria-label', 'Probability of each class');
    this.element = make('div', { className: 'answer' }, this.best, this.bars);
  }

  show(names: readonly string[], probabilities: Float32Array | null): void {
    const winner = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    const name = names[winner] ?? '?';
    this.best.textContent = name;
    this.best.classList.toggle('word', name.length > 2);
    const classes = [...names.keys()];
    if (probabilities && names.length > MOST_BARS) {
      classes.sort((a, b) => probabilities[b]! - probabilities[a]!);
    }
    this.bars.replaceChildren(
      ...classes.slice(0, MOST_BARS).map((i) => {
        const p = probabilities?.[i] ?? 0;
        const bar = make('span', { className: 'bar' });
        bar.style.setProperty('--p', String(p));
        return make(
          'li',
          { className: i === winner ? 'winner' : '' },
          make('span', { className: 'name', textContent: names[i]! }),
          bar,
          make('span', { className: 'percent', textContent: probabilities ? percent(p) : '' }),
        );
      }),
    );
  }
}
