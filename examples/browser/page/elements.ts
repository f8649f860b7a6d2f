/** The page's elements: found, or made. */

export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page must have an element '${id}', but has none`);
  return found as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function button(label: string, onClick: () => void): HTMLButtonElement {
  const made = make('button', { type: 'button', textContent: label });
  made.addEventListener('click', onClick);
  return made;
}

/** A labeled choice; `set` replaces its options and keeps what is chosen, if it is still there. */
export class Choice {
  readonly label: HTMLLabelElement;
  private readonly select = make('select');

  constructor(name: string, onChange: () => void) {
    this.label = make('label', { className: 'choice' }, `${name} `, this.select);
    this.select.addEventListener('change', onChange);
  }

  get value(): string {
    return this.select.value;
  }

  set(options: readonly (readonly [value: string, text: string])[]): void {
    const { value } = this;
    const before = Array.from(this.select.options, (option) => option.value + option.text).join();
    if (before === options.map((option) => option.join('')).join()) return;
    this.select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    if (options.some(([option]) => option === value)) this.select.value = value;
  }
}

export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
